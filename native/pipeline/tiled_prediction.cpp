#include "pipeline/tiled_prediction.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "models/tile_sides.hpp"

namespace histojet::pipeline {
namespace {

constexpr std::int64_t kSmallestInterior_px = 128;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return ceil_div(value, multiple) * multiple;
}

/// Copies a tile's interior, as far as it lies inside the wanted area, to its place in the whole maps.
void place(const Maps& tile, const TilePlan& plan, std::int64_t top, std::int64_t left, Maps& whole) {
  const std::int64_t rows = std::min(plan.clean_height, whole.height - top);
  const std::int64_t columns = std::min(plan.clean_width, whole.width - left);
  const auto copy = [&](const auto* from, auto* to) {
    for (std::int64_t y = 0; y < rows; ++y) {
      const auto* source = from + (y + plan.map_margin) * tile.width + plan.map_margin;
      std::copy(source, source + columns, to + (top + y) * whole.width + left);
    }
  };
  copy(tile.np.data(), whole.np.data());
  for (int channel = 0; channel < 2; ++channel) {
    copy(tile.hv.data() + channel * tile.height * tile.width, whole.hv.data() + channel * whole.height * whole.width);
  }
  if (!tile.tp.empty()) copy(tile.tp.data(), whole.tp.data());
}

/// A network that pads may round its maps' size down; what is taken of them must be there all the same.
void check_size(const Maps& tile, const TilePlan& plan) {
  if (tile.height >= plan.map_margin + plan.clean_height && tile.width >= plan.map_margin + plan.clean_width) return;
  throw Error(ErrorCode::kInternal, "predict_tiled: a tile's maps have " + std::to_string(tile.width) + " x " +
                                        std::to_string(tile.height) + " px, less than their place in the plan");
}

/// Tiles whose maps touch: interiors are what an allowed side leaves after the output margin.
TilePlan plan_touching_maps(const models::NetworkInfo& network, std::int64_t height, std::int64_t width,
                            std::int64_t tile_size) {
  TilePlan plan;
  plan.margin = network.output_margin_px;
  const std::int64_t largest = models::largest_side_up_to(network, tile_size);
  const std::int64_t smallest = std::min(network.default_tile_px, largest);
  const auto split = [&](std::int64_t length, std::int64_t& count, std::int64_t& clean) {
    count = std::max<std::int64_t>(1, ceil_div(length, largest - 2 * plan.margin));
    const std::int64_t side = std::max(ceil_div(length, count) + 2 * plan.margin, smallest);
    clean = models::smallest_side_from(network, side) - 2 * plan.margin;
  };
  split(height, plan.rows, plan.clean_height);
  split(width, plan.columns, plan.clean_width);
  return plan;
}

}  // namespace

TilePlan plan_tiles(const models::NetworkInfo& network, std::int64_t height, std::int64_t width, std::int64_t tile_size,
                    TileMargin margin) {
  if (!network.pads() && margin == TileMargin::kReference) {
    return plan_touching_maps(network, height, width, tile_size);
  }
  TilePlan plan;
  const std::int64_t multiple = network.origin_multiple;
  plan.margin = network.pads() ? round_up(network.margin_px, multiple) : network.margin_px;
  plan.map_margin = plan.margin - network.output_margin_px;
  const std::int64_t largest =
      std::max((tile_size - 2 * plan.margin) / multiple * multiple, round_up(kSmallestInterior_px, multiple));
  const auto split = [&](std::int64_t length, std::int64_t& count, std::int64_t& clean) {
    count = std::max<std::int64_t>(1, ceil_div(length, largest));
    clean = round_up(ceil_div(std::max<std::int64_t>(length, 1), count), multiple);
    if (!network.pads()) clean = models::smallest_side_from(network, clean + 2 * plan.margin) - 2 * plan.margin;
  };
  split(height, plan.rows, plan.clean_height);
  split(width, plan.columns, plan.clean_width);
  return plan;
}

Maps predict_tiled(models::SessionPool& sessions, const TilePlan& plan, ImageView input, std::int64_t height,
                   std::int64_t width, int max_threads, const CancelToken& cancel) {
  if (input.height != plan.input_height() || input.width != plan.input_width()) {
    throw Error(ErrorCode::kInternal, "predict_tiled: the picture does not have the size of the plan");
  }
  Maps whole;
  whole.height = height;
  whole.width = width;
  const auto pixels = static_cast<std::size_t>(height * width);
  whole.np.resize(pixels);
  whole.hv.resize(2 * pixels);
  auto session = sessions.take(plan.tile_height(), plan.tile_width());
  Maps tile;
  for (std::int64_t row = 0; row < plan.rows; ++row) {
    for (std::int64_t column = 0; column < plan.columns; ++column) {
      const std::int64_t top = row * plan.clean_height, left = column * plan.clean_width;
      if (top >= height || left >= width) continue;
      const ImageView view(input.row(top) + left * input.channels, plan.tile_width(), plan.tile_height(),
                           input.channels, input.stride);
      sessions.network().predict(*session, view, tile, max_threads, cancel);
      check_size(tile, plan);
      if (!tile.tp.empty()) whole.tp.resize(pixels);
      place(tile, plan, top, left, whole);
    }
  }
  sessions.give_back(plan.tile_height(), plan.tile_width(), std::move(session));
  return whole;
}

}  // namespace histojet::pipeline
