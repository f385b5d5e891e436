#include "explain/covered_regions.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace histojet::explain {

CoveredRegions::CoveredRegions(const models::PixelMambaConfig& config, const models::RegionSource& source,
                               std::int64_t cell_px)
    : source_(source), region_px_(config.region_size_px), pad_(config.pad_value), cell_px_(cell_px) {
  if (cell_px < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "covered squares: expected a side of at least 1 px, got " + std::to_string(cell_px));
  }
  columns_ = models::region_count(source.width_px(), cell_px);
  rows_ = models::region_count(source.height_px(), cell_px);
  covered_.resize(static_cast<std::size_t>(columns_ * rows_));
}

void CoveredRegions::cover(std::int64_t cell, bool covered) {
  covered_.at(static_cast<std::size_t>(cell)) = covered ? 1 : 0;
}

void CoveredRegions::cover_all(bool covered) {
  std::ranges::fill(covered_, covered ? std::uint8_t{1} : std::uint8_t{0});
}

void CoveredRegions::read(std::int64_t index, float* out, const CancelToken& cancel) const {
  source_.read(index, out, cancel);
  const tokens::GridCell region = source_.regions()[static_cast<std::size_t>(index)];
  for (std::int64_t y = 0; y < region_px_; ++y) {
    const std::int64_t row = (region.row * region_px_ + y) / cell_px_;
    if (row >= rows_) break;  // beyond the picture, where the pad colour is anyhow
    for (std::int64_t x = 0; x < region_px_; ++x) {
      const std::int64_t column = (region.column * region_px_ + x) / cell_px_;
      if (column >= columns_) break;
      if (covered_[static_cast<std::size_t>(row * columns_ + column)] == 0) continue;
      std::ranges::copy(pad_, out + 3 * (y * region_px_ + x));
    }
  }
}

void CoveredSquare::read(std::int64_t index, float* out, const CancelToken& cancel) const {
  source_.read(index, out, cancel);
  const tokens::GridCell region = source_.regions()[static_cast<std::size_t>(index)];
  const std::int64_t left = x_px_ - region.column * region_px_, top = y_px_ - region.row * region_px_;
  const std::int64_t first = std::clamp<std::int64_t>(left, 0, region_px_);
  const std::int64_t end = std::clamp<std::int64_t>(left + side_px_, 0, region_px_);
  for (std::int64_t y = std::max<std::int64_t>(top, 0); y < std::min(region_px_, top + side_px_); ++y) {
    for (std::int64_t x = first; x < end; ++x) std::ranges::copy(pad_, out + 3 * (y * region_px_ + x));
  }
}

}  // namespace histojet::explain
