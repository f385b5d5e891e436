#include "models/tile_grid.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace histojet::models {

namespace {

constexpr std::int64_t kMostSidePx = std::int64_t{1} << 40;
constexpr std::int64_t kMostCells = std::int64_t{1} << 24;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "2DMamba: " + what);
}

std::string text(std::int64_t value) {
  return std::to_string(value);
}

std::string place_text(const TilePlace& place) {
  const auto number = [](double value) {
    const bool whole = std::isfinite(value) && std::fabs(value) < 1e15 && value == std::floor(value);
    return whole ? text(static_cast<std::int64_t>(value)) : std::to_string(value);
  };
  return "(" + number(place.x_px) + ", " + number(place.y_px) + ")";
}

/// The column or row of a coordinate, or -1.
std::int64_t step_of(double coordinate_px, std::int64_t patch_size_px, std::int64_t count) {
  if (!(coordinate_px >= 0)) return -1;
  const double step = std::floor(coordinate_px / static_cast<double>(patch_size_px));
  return step < static_cast<double>(count) ? static_cast<std::int64_t>(step) : -1;
}

}  // namespace

void check_grid(const TileGrid& grid) {
  const auto in_range = [](std::int64_t side) { return side >= 1 && side <= kMostSidePx; };
  if (!in_range(grid.max_width_px) || !in_range(grid.max_height_px)) {
    refuse("the weights do not tell the grid; mamba_2d_max_w and mamba_2d_max_h are " + text(grid.max_width_px) +
           " and " + text(grid.max_height_px) + ", expected the size of the training's largest slide in px");
  }
  if (!in_range(grid.patch_size_px)) {
    refuse("mamba_2d_patch_size is " + text(grid.patch_size_px) + ", expected the step of the tiles in px");
  }
  if (grid.rows() <= kMostCells / grid.columns()) return;
  refuse("a grid of " + text(grid.columns()) + " x " + text(grid.rows()) + " cells has more than " + text(kMostCells) +
         "; expected a larger mamba_2d_patch_size (found " + text(grid.patch_size_px) + ") or a smaller slide");
}

std::vector<PlacedTile> place_tiles(std::span<const TilePlace> places, const TileGrid& grid) {
  std::vector<PlacedTile> placed;
  placed.reserve(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::int64_t column = step_of(places[i].x_px, grid.patch_size_px, grid.columns());
    const std::int64_t row = step_of(places[i].y_px, grid.patch_size_px, grid.rows());
    if (column < 0 || row < 0) {
      refuse("tile " + std::to_string(i) + " at " + place_text(places[i]) + " px lies outside of the grid of " +
             text(grid.columns()) + " x " + text(grid.rows()) + " cells of " + text(grid.patch_size_px) + " px");
    }
    placed.push_back({row * grid.columns() + column, static_cast<std::int64_t>(i)});
  }
  const auto before = [](const PlacedTile& a, const PlacedTile& b) {
    return a.cell < b.cell || (a.cell == b.cell && a.tile < b.tile);
  };
  std::ranges::sort(placed, before);
  const auto twice = std::ranges::adjacent_find(placed, {}, &PlacedTile::cell);
  if (twice == placed.end()) return placed;
  const auto& first = places[static_cast<std::size_t>(twice->tile)];
  const auto& second = places[static_cast<std::size_t>((twice + 1)->tile)];
  refuse("tiles " + text(twice->tile) + " at " + place_text(first) + " and " + text((twice + 1)->tile) + " at " +
         place_text(second) + " px lie in the same cell of " + text(grid.patch_size_px) + " px");
}

}  // namespace histojet::models
