#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace histojet::models {

/// The grid on which 2DMamba lays a slide's tiles; the same for all slides, as large as the largest of the training.
/// Names in the published code: mamba_2d_patch_size, mamba_2d_max_w, mamba_2d_max_h.
struct TileGrid {
  std::int64_t patch_size_px = 512;  ///< side of a cell, in px of the tiles' coordinates (published: of level 0)
  std::int64_t max_width_px = 0;
  std::int64_t max_height_px = 0;

  std::int64_t columns() const { return max_width_px / patch_size_px + 1; }
  std::int64_t rows() const { return max_height_px / patch_size_px + 1; }
  std::int64_t cells() const { return columns() * rows(); }
};

/// @throws Error kInvalidArgument naming the size that is missing or makes no sense, or for more than 2^24 cells.
void check_grid(const TileGrid& grid);

/// Where a tile lies on its slide: its upper left corner.
struct TilePlace {
  double x_px = 0;
  double y_px = 0;
};

/// A tile and its cell, counted row by row.
struct PlacedTile {
  std::int64_t cell;
  std::int64_t tile;
};

/// The tiles in the order of their cells. @throws Error kInvalidArgument naming the tile for a coordinate that is no
/// number, negative or beyond the grid, and for two tiles in one cell.
std::vector<PlacedTile> place_tiles(std::span<const TilePlace> places, const TileGrid& grid);

}  // namespace histojet::models
