#pragma once

#include <memory>

#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/some_regions.hpp"
#include "models/wavy_picture.hpp"

namespace histojet::test {

/// Pixels forward only, pairs of pixels with both directions inside regions of 8 px, then a global stage, and two whose
/// tokens cover a region and four of them.
inline models::PixelMambaConfig deep_config() {
  models::PixelMambaConfig config;
  config.region_size_px = 8;
  config.mean = {0.5F, 0.5F, 0.5F};
  config.std = {0.25F, 0.25F, 0.25F};
  config.pad_value = {2, 2, 2};
  config.stages = {{.dim = 6, .d_state = 3, .bidirectional = tokens::Bidirectional::kNone},
                   {.dim = 8, .depth = 2, .d_state = 4, .backward_scope = models::BackwardScope::kRegion},
                   {.dim = 12,
                    .d_state = 4,
                    .bidirectional = tokens::Bidirectional::kV1,
                    .backward_scope = models::BackwardScope::kGlobal},
                   {.dim = 16, .d_state = 5, .backward_scope = models::BackwardScope::kGlobal},
                   {.dim = 20, .d_state = 6, .backward_scope = models::BackwardScope::kRegion}};
  config.pool = models::PoolKind::kAttention;
  config.head = models::HeadKind::kOrdinal;
  config.outputs = 2;
  return config;
}

inline std::shared_ptr<const models::PixelMamba> formula_network(const models::PixelMambaConfig& config) {
  return models::PixelMamba::load(pixel_mamba_dict(config), {.precision = tokens::Precision::kFloat32});
}

}  // namespace histojet::test
