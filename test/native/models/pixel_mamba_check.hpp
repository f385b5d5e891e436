#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/reference_pixel_mamba.hpp"
#include "models/some_regions.hpp"
#include "models/wavy_picture.hpp"

namespace histojet::test {

/// Features and logits of a network with computed weights are those of the reference.
inline void expect_reference(const models::PixelMambaConfig& config, const models::RegionSource& source) {
  const auto dict = pixel_mamba_dict(config);
  const auto model = models::PixelMamba::load(dict, {});
  const models::PixelMambaResult result = model->run(source);
  ReferencePixelMamba reference(dict, config);
  const std::vector<double> logits = reference(source);
  double largest = 0;
  for (const double feature : reference.features) largest = std::max(largest, std::abs(feature));
  for (std::size_t i = 0; i < result.features.size(); ++i) {
    EXPECT_NEAR(result.features[i], reference.features[i], 1e-5 * largest) << "feature " << i;
  }
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(result.logits[i], logits[i], 1e-5 * (1 + largest));
}

}  // namespace histojet::test
