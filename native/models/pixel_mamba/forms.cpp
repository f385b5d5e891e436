#include "models/pixel_mamba/forms.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace histojet::models {
namespace {

std::int64_t similar_tokens(const PixelMambaConfig& config, std::int64_t tokens, std::size_t stage) {
  for (std::size_t s = 0; s < stage; ++s) {
    tokens -= similarity_cut(tokens, config.tome_keep, config.tome_window).removed;
  }
  return tokens;
}

}  // namespace

StageForm stage_form(const PixelMambaConfig& config, std::size_t stage) {
  const PixelMambaStage& options = config.stages[stage];
  StageForm form{.grid = config.region_grid(stage),
                 .token_px = config.token_size_px(stage),
                 .region_token = config.has_region_token(stage)};
  if (!config.has_places(stage)) {
    form.tokens = similar_tokens(config, form.grid.cells(), stage);
    return form;
  }
  form.tokens = form.grid.cells();
  const bool windows = options.scan == ScanKind::kWindow && options.backward_scope == BackwardScope::kRegion;
  form.places = windows ? cut_window_order(form.grid, options.window) : rectangle_order(config.pixel_order, form.grid);
  return form;
}

std::vector<std::int32_t> rectangle_order(tokens::PixelOrder order, GridSize grid) {
  if (grid.rows == grid.columns) return tokens::pixel_order(order, grid.rows);
  if (order == tokens::PixelOrder::kSnake) return tokens::snake_order(grid.rows, grid.columns);
  std::vector<std::int32_t> places;
  if (order == tokens::PixelOrder::kRaster) {
    places.resize(static_cast<std::size_t>(grid.cells()));
    std::iota(places.begin(), places.end(), 0);
    return places;
  }
  const std::int64_t side = std::max(grid.rows, grid.columns);
  std::vector<std::uint8_t> visited(static_cast<std::size_t>(grid.cells()));
  places.reserve(visited.size());
  for (const std::int32_t square : tokens::pixel_order(order, side)) {
    const std::int64_t row = square / side / (side / grid.rows), column = square % side / (side / grid.columns);
    const auto place = static_cast<std::size_t>(row * grid.columns + column);
    if (visited[place] == 0) places.push_back(static_cast<std::int32_t>(place));
    visited[place] = 1;
  }
  return places;
}

std::vector<std::int32_t> cut_window_order(GridSize grid, std::int64_t window) {
  std::vector<std::int32_t> places;
  places.reserve(static_cast<std::size_t>(grid.cells()));
  for (std::int64_t top = 0; top < grid.rows; top += window) {
    for (std::int64_t left = 0; left < grid.columns; left += window) {
      for (std::int64_t row = top; row < std::min(top + window, grid.rows); ++row) {
        for (std::int64_t column = left; column < std::min(left + window, grid.columns); ++column) {
          places.push_back(static_cast<std::int32_t>(row * grid.columns + column));
        }
      }
    }
  }
  return places;
}

std::vector<std::array<std::int32_t, 4>> region_merge_sources(const StageForm& finer, const StageForm& coarser,
                                                              GridSize shape) {
  const std::vector<std::int32_t> position = tokens::inverse_order(finer.places);
  std::vector<std::array<std::int32_t, 4>> sources(coarser.places.size(), {-1, -1, -1, -1});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::int64_t row = coarser.places[i] / coarser.grid.columns * shape.rows;
    const std::int64_t column = coarser.places[i] % coarser.grid.columns * shape.columns;
    for (std::int64_t k = 0; k < shape.cells(); ++k) {
      const std::int64_t place = (row + k % shape.rows) * finer.grid.columns + column + k / shape.rows;
      sources[i][static_cast<std::size_t>(k)] = position[static_cast<std::size_t>(place)];
    }
  }
  return sources;
}

SimilarityCut similarity_cut(std::int64_t tokens, double keep, std::int64_t window) {
  SimilarityCut cut{.asked = static_cast<std::int64_t>(std::floor(static_cast<double>(tokens) * (1 - keep)))};
  // As bipartite_matching() shares it out among windows.
  for (std::int64_t first = 0; first < tokens; first += window) {
    const std::int64_t end = std::min(first + window, tokens);
    const std::int64_t share = cut.asked * end / tokens - cut.asked * first / tokens;
    cut.removed += std::min(share, (end - first) / 2);
  }
  return cut;
}

}  // namespace histojet::models
