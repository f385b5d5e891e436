#include "tiles/grid.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "tiles/scaled_read.hpp"

namespace histojet::tiles {
namespace {

constexpr std::int64_t kMaxTiles = 1 << 28;

/// The grid in numbers: tile (c, r) has its corner at level-0 (region.x + c * step_x, region.y + r * step_y).
struct Layout {
  slide::Rect region;
  int level = -1;  ///< -1: by mpp
  double scale_x = 1;
  double scale_y = 1;
  double step_x = 0;
  double step_y = 0;
};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "tiles: " + message);
}

void check_size(const GridOptions& options) {
  if (options.size < 1 || options.size > 1 << 15) {
    refuse("expected a size of 1 to 32768 px, got " + std::to_string(options.size));
  }
  if (options.overlap < 0 || options.overlap >= options.size) {
    refuse("expected an overlap of 0 to size - 1 px, got " + std::to_string(options.overlap) + " with size " +
           std::to_string(options.size));
  }
  if (options.mpp && options.level) refuse("give mpp or level, not both");
  if (options.region && (options.region->width < 1 || options.region->height < 1)) {
    refuse("expected a region with an area, got " + std::to_string(options.region->width) + " x " +
           std::to_string(options.region->height) + " px");
  }
}

Layout lay_out(const slide::Slide& slide, const GridOptions& options) {
  check_size(options);
  Layout layout;
  layout.region = options.region.value_or(slide::Rect{0, 0, slide.width(), slide.height()});
  if (options.mpp) {
    if (!(*options.mpp > 0) || !std::isfinite(*options.mpp)) {
      refuse("expected a positive mpp (micrometres per pixel), got " + std::to_string(*options.mpp));
    }
    if (!slide.mpp()) {
      refuse(slide.path() + " does not say its micrometres per pixel; open it with an mpp of your own, or use a level");
    }
    layout.scale_x = *options.mpp / slide.mpp()->x;
    layout.scale_y = *options.mpp / slide.mpp()->y;
  } else {
    layout.level = options.level.value_or(0);
    const auto count = static_cast<int>(slide.levels().size());
    if (layout.level < 0 || layout.level >= count) {
      refuse("expected a level of 0 to " + std::to_string(count - 1) + ", got " + std::to_string(layout.level));
    }
    layout.scale_x = layout.scale_y = slide.levels()[layout.level].downsample;
  }
  const auto stride = static_cast<double>(options.size - options.overlap);
  layout.step_x = stride * layout.scale_x;
  layout.step_y = stride * layout.scale_y;
  return layout;
}

/// Tiles until the last one reaches the region's end; rounding noise makes no tile of its own.
std::int64_t tiles_along(std::int64_t length, double scale, const GridOptions& options) {
  const double pixels = static_cast<double>(length) / scale;
  const auto stride = static_cast<double>(options.size - options.overlap);
  const double count = std::ceil((pixels - static_cast<double>(options.overlap)) / stride - 1e-6);
  if (!(count < static_cast<double>(kMaxTiles))) refuse("the grid would have more than 2^28 tiles");
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(count));
}

std::int64_t floor_px(double value) {
  return static_cast<std::int64_t>(std::floor(value + 1e-6));
}

ScaledWindow scaled_window(const Layout& layout, const GridOptions& options, const GridTile& tile) {
  return {.x = static_cast<double>(layout.region.x) + static_cast<double>(tile.column) * layout.step_x,
          .y = static_cast<double>(layout.region.y) + static_cast<double>(tile.row) * layout.step_y,
          .width = options.size,
          .height = options.size,
          .scale_x = layout.scale_x,
          .scale_y = layout.scale_y};
}

slide::RegionRequest level_region(const Layout& layout, const GridOptions& options, const GridTile& tile) {
  const std::int64_t stride = options.size - options.overlap;
  slide::RegionRequest request;
  request.level = layout.level;
  request.level_coordinates = true;
  request.x = floor_px(static_cast<double>(layout.region.x) / layout.scale_x) + tile.column * stride;
  request.y = floor_px(static_cast<double>(layout.region.y) / layout.scale_y) + tile.row * stride;
  request.width = options.size;
  request.height = options.size;
  return request;
}

}  // namespace

std::vector<GridTile> tile_grid(const slide::Slide& slide, const GridOptions& options, const TissueMask* mask) {
  const Layout layout = lay_out(slide, options);
  const std::int64_t columns = tiles_along(layout.region.width, layout.scale_x, options);
  const std::int64_t rows = tiles_along(layout.region.height, layout.scale_y, options);
  if (columns > kMaxTiles / rows) refuse("the grid would have more than 2^28 tiles");
  const double width = static_cast<double>(options.size) * layout.scale_x;
  const double height = static_cast<double>(options.size) * layout.scale_y;
  std::vector<GridTile> tiles;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double y = static_cast<double>(layout.region.y) + static_cast<double>(row) * layout.step_y;
    for (std::int64_t column = 0; column < columns; ++column) {
      const double x = static_cast<double>(layout.region.x) + static_cast<double>(column) * layout.step_x;
      if (mask != nullptr && mask->share(x, y, width, height) < options.min_tissue) continue;
      tiles.push_back({floor_px(x), floor_px(y), column, row});
    }
  }
  return tiles;
}

Image read_tile(const slide::Slide& slide, const GridOptions& options, const GridTile& tile,
                const CancelToken& cancel) {
  const Layout layout = lay_out(slide, options);
  if (layout.level < 0) return read_scaled(slide, scaled_window(layout, options, tile), cancel);
  return slide.read_region(level_region(layout, options, tile), cancel);
}

void announce_tiles(const slide::Slide& slide, const GridOptions& options, std::span<const GridTile> tiles,
                    const CancelToken& cancel) {
  const Layout layout = lay_out(slide, options);
  std::vector<slide::RegionRequest> regions;
  for (const GridTile& tile : tiles) {
    regions.push_back(layout.level < 0 ? source_region(slide, scaled_window(layout, options, tile))
                                       : level_region(layout, options, tile));
  }
  slide.announce(regions, cancel);
}

}  // namespace histojet::tiles
