#pragma once

#include <optional>
#include <span>
#include <vector>

#include "slide/slide.hpp"
#include "tiles/tissue.hpp"

namespace histojet::tiles {

struct GridOptions {
  std::int64_t size = 512;            ///< tile side in pixels at the wanted resolution
  std::int64_t overlap = 0;           ///< pixels shared by neighbours; stride = size - overlap
  std::optional<double> mpp;          ///< wanted resolution, or
  std::optional<int> level;           ///< a level of the slide (default 0); not both
  std::optional<slide::Rect> region;  ///< level-0 pixels; default the whole slide
  double min_tissue = 0.1;            ///< a tile is kept when its tissue share is at least this (with a mask)
};

/// Corner of one tile in level-0 pixels (rounded down) and its place in the grid.
struct GridTile {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t column = 0;
  std::int64_t row = 0;
};

/// The tiles of a slide in raster order. The grid starts at the region's corner; tiles at the right and lower edge
/// reach beyond it and are padded with background when read, never dropped.
std::vector<GridTile> tile_grid(const slide::Slide& slide, const GridOptions& options, const TissueMask* mask);

/// Pixels of one tile of that grid.
Image read_tile(const slide::Slide& slide, const GridOptions& options, const GridTile& tile,
                const CancelToken& cancel = {});

/// Tells a remote slide that these tiles will be read soon; see slide::Slide::announce.
void announce_tiles(const slide::Slide& slide, const GridOptions& options, std::span<const GridTile> tiles,
                    const CancelToken& cancel = {});

}  // namespace histojet::tiles
