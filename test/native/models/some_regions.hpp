#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "models/pixel_mamba/region_source.hpp"

namespace histojet::test {

/// Regions of a picture without those that a rule leaves out.
class SomeRegions final : public models::RegionSource {
 public:
  /// `keep`: asked for each region in the order of the regions, given its GridCell.
  template <class Rule>
  SomeRegions(const models::PixelMambaConfig& config, ImageView rgb, Rule keep) : all_(config, rgb) {
    for (std::size_t i = 0; i < all_.regions().size(); ++i) {
      if (!keep(all_.regions()[i])) continue;
      regions_.push_back(all_.regions()[i]);
      numbers_.push_back(static_cast<std::int64_t>(i));
    }
  }
  /// Two of three.
  SomeRegions(const models::PixelMambaConfig& config, ImageView rgb)
      : SomeRegions(config, rgb, [i = 0](tokens::GridCell) mutable { return i++ % 3 != 1; }) {}

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

  bool masked = false;  ///< whether two thirds of the picture's squares of 8 px have tissue, or all of it
  mutable std::atomic<int> reads{0};
  int fail_at = -1;  ///< the read, counted from 1, that fails

 private:
  models::PictureRegions all_;
  std::vector<tokens::GridCell> regions_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace histojet::test
