#pragma once

#include <cstdint>
#include <vector>

#include "nuclei/stitch.hpp"
#include "slide/slide.hpp"
#include "tiles/tissue.hpp"

namespace histojet::pipeline {

/// Side of a post-processing window's core and the context around it, in pixels of the network's resolution. Fixed, so
/// that results do not depend on how the network is tiled.
inline constexpr std::int64_t kCore_px = 1024;
inline constexpr std::int64_t kContext_px = 64;
inline constexpr std::int64_t kWindow_px = kCore_px + 2 * kContext_px;

/// Most neighbouring windows of one row that go through decoding and the network together: they share the pixels
/// between them instead of computing them twice.
inline constexpr std::int64_t kLargestStrip = 4;

/// Windows [first, first + count), side by side.
struct Strip {
  std::int64_t first = 0;
  std::int64_t count = 1;
  std::int64_t width_px() const { return count * kCore_px + 2 * kContext_px; }
};

/// The windows of one slide in raster order.
class SlideWindows {
 public:
  /// `scale_x`, `scale_y`: level-0 pixels per working pixel. Cores start at level-0 (0, 0); those that do not meet
  /// `region` (level-0 pixels) are left out, and with a mask those whose tissue share is not above `min_tissue`.
  SlideWindows(const slide::Slide& slide, double scale_x, double scale_y, const slide::Rect& region,
               const tiles::TissueMask* mask, double min_tissue);

  std::int64_t count() const { return static_cast<std::int64_t>(windows_.size()); }
  /// All windows once, in order, at most `largest` together.
  std::vector<Strip> strips(std::int64_t largest = kLargestStrip) const;
  /// The core of a window in level-0 pixels.
  nuclei::Core core(std::int64_t index) const;
  /// Level-0 position of the corner of the window's pixels, `margin` working pixels outside the context.
  double left(std::int64_t index, std::int64_t margin) const;
  double top(std::int64_t index, std::int64_t margin) const;

 private:
  struct Cell {
    std::int64_t column, row;
  };
  double scale_x_;
  double scale_y_;
  std::vector<Cell> windows_;
};

}  // namespace histojet::pipeline
