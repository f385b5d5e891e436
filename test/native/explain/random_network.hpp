#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "base/image.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba.hpp"

namespace histojet::test {

/// A picture with coarse and fine structure.
inline Image wavy_picture(std::int64_t width, std::int64_t height) {
  Image image(width, height, 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const double wave = std::sin(0.31 * static_cast<double>(x * (c + 1))) * std::cos(0.23 * static_cast<double>(y));
        const double grain = formula_unit(7, static_cast<std::uint32_t>((y * width + x) * 3 + c));
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::lround(127.5 + 80 * wave + 40 * grain));
      }
    }
  }
  return image;
}

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

/// Regions of a picture without those of every third.
class SomeRegions final : public models::RegionSource {
 public:
  SomeRegions(const models::PixelMambaConfig& config, ImageView rgb) : all_(config, rgb) {
    for (std::size_t i = 0; i < all_.regions().size(); ++i) {
      if (i % 3 == 1) continue;
      regions_.push_back(all_.regions()[i]);
      numbers_.push_back(static_cast<std::int64_t>(i));
    }
  }
  std::int64_t width_px() const override { return all_.width_px(); }
  std::int64_t height_px() const override { return all_.height_px(); }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override {
    all_.read(numbers_[static_cast<std::size_t>(index)], out, cancel);
  }

 private:
  models::PictureRegions all_;
  std::vector<tokens::GridCell> regions_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace histojet::test
