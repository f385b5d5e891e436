#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba.hpp"
#include "models/reference_pixel_mamba.hpp"

namespace histojet::test {

/// A picture with coarse and fine structure.
inline Image picture(std::int64_t width, std::int64_t height) {
  Image image(width, height, 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const double wave =
            std::sin(0.031 * static_cast<double>(x * (c + 1))) * std::cos(0.043 * static_cast<double>(y));
        const double grain = formula_unit(77, static_cast<std::uint32_t>((y * width + x) * 3 + c));
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::lround(127.5 + 80 * wave + 40 * grain));
      }
    }
  }
  return image;
}

/// Regions of a picture without those that a rule leaves out.
class SomeRegions final : public models::RegionSource {
 public:
  template <class Rule>
  SomeRegions(const models::PixelMambaConfig& config, ImageView rgb, const Rule& keep) : all_(config, rgb) {
    for (std::size_t i = 0; i < all_.regions().size(); ++i) {
      if (!keep(all_.regions()[i])) continue;
      regions_.push_back(all_.regions()[i]);
      numbers_.push_back(static_cast<std::int64_t>(i));
    }
  }
  std::int64_t width_px() const override { return all_.width_px(); }
  std::int64_t height_px() const override { return all_.height_px(); }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override {
    if (++reads == fail_at) throw Error(ErrorCode::kCorruptFile, "tile 3, 4 is damaged");
    all_.read(numbers_[static_cast<std::size_t>(index)], out, cancel);
  }
  bool has_tissue(std::int64_t x, std::int64_t y, std::int64_t) const override {
    return !masked || (x / 8 + y / 8) % 3 != 0;
  }
  bool has_mask() const override { return masked; }

  bool masked = false;
  mutable std::atomic<int> reads{0};
  int fail_at = -1;

 private:
  models::PictureRegions all_;
  std::vector<tokens::GridCell> regions_;
  std::vector<std::int64_t> numbers_;
};

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
