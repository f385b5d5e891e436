#include "slide/tile_grid.hpp"

#include <algorithm>

namespace histojet::slide {

void TileGrid::pieces(const Rect& window, std::vector<TilePiece>& out) const {
  const std::int64_t right = window.x + window.width;
  const std::int64_t bottom = window.y + window.height;
  for (std::int64_t row = window.y / tile_height_; row * tile_height_ < bottom; ++row) {
    const std::int64_t top = row * tile_height_;
    const std::int64_t y0 = std::max(window.y, top);
    const std::int64_t y1 = std::min(bottom, top + tile_height_);
    for (std::int64_t column = window.x / tile_width_; column * tile_width_ < right; ++column) {
      const std::int64_t left = column * tile_width_;
      const std::int64_t x0 = std::max(window.x, left);
      const std::int64_t x1 = std::min(right, left + tile_width_);
      out.push_back({column, row, {x0, y0, x1 - x0, y1 - y0}, x0 - left, y0 - top});
    }
  }
}

}  // namespace histojet::slide
