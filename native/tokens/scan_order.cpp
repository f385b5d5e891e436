#include "tokens/scan_order.hpp"

#include <bit>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kLargestSide = 16384;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 28;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "scan order: " + message);
}

std::string sides(std::int64_t rows, std::int64_t columns) {
  return std::to_string(rows) + " x " + std::to_string(columns);
}

void check_rectangle(std::int64_t rows, std::int64_t columns) {
  if (rows >= 1 && columns >= 1 && rows <= kMostTokens / columns) return;
  refuse("expected 1 to 2^28 tokens, got " + sides(rows, columns));
}

GridCell zorder_cell(std::int64_t index) {
  GridCell cell;
  for (int bit = 0; (index >> (2 * bit)) != 0; ++bit) {
    cell.column |= ((index >> (2 * bit)) & 1) << bit;
    cell.row |= ((index >> (2 * bit + 1)) & 1) << bit;
  }
  return cell;
}

/// From the smallest square to the largest: each step turns what it has into the right quarter.
GridCell hilbert_cell(std::int64_t index, std::int64_t side) {
  std::int64_t x = 0, y = 0;
  for (std::int64_t half = 1; half < side; half *= 2, index /= 4) {
    const std::int64_t right = (index / 2) & 1;
    const std::int64_t lower = (index ^ right) & 1;
    if (lower == 0) {
      if (right == 1) {
        x = half - 1 - x;
        y = half - 1 - y;
      }
      std::swap(x, y);
    }
    x += half * right;
    y += half * lower;
  }
  return {y, x};
}

GridCell cell_of(PixelOrder order, std::int64_t side, std::int64_t index) {
  switch (order) {
    case PixelOrder::kZorder:
      return zorder_cell(index);
    case PixelOrder::kHilbert:
      return hilbert_cell(index, side);
    case PixelOrder::kRaster:
      return region_cell(RegionOrder::kRaster, side, index);
    case PixelOrder::kSnake:
      return region_cell(RegionOrder::kSnake, side, index);
  }
  refuse("unknown order");
}

}  // namespace

bool is_hierarchical(PixelOrder order) {
  return order == PixelOrder::kZorder || order == PixelOrder::kHilbert;
}

std::vector<std::int32_t> pixel_order(PixelOrder order, std::int64_t side) {
  if (side < 1 || side > kLargestSide) refuse("expected a side of 1 to 16384 tokens, got " + std::to_string(side));
  if (is_hierarchical(order) && !std::has_single_bit(static_cast<std::uint64_t>(side))) {
    refuse("expected a side that is a power of two, got " + std::to_string(side));
  }
  std::vector<std::int32_t> raster(static_cast<std::size_t>(side * side));
  for (std::int64_t i = 0; i < side * side; ++i) {
    const GridCell cell = cell_of(order, side, i);
    raster[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(cell.row * side + cell.column);
  }
  return raster;
}

std::vector<std::int32_t> snake_order(std::int64_t rows, std::int64_t columns) {
  check_rectangle(rows, columns);
  std::vector<std::int32_t> raster(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    const GridCell cell = region_cell(RegionOrder::kSnake, columns, i);
    raster[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(cell.row * columns + cell.column);
  }
  return raster;
}

std::vector<std::int32_t> window_order(std::int64_t rows, std::int64_t columns, std::int64_t window) {
  check_rectangle(rows, columns);
  if (window < 1 || rows % window != 0 || columns % window != 0) {
    refuse("expected windows that divide " + sides(rows, columns) + " tokens, got " + std::to_string(window));
  }
  std::vector<std::int32_t> raster;
  raster.reserve(static_cast<std::size_t>(rows * columns));
  for (std::int64_t top = 0; top < rows; top += window) {
    for (std::int64_t left = 0; left < columns; left += window) {
      for (std::int64_t i = 0; i < window * window; ++i) {
        raster.push_back(static_cast<std::int32_t>((top + i / window) * columns + left + i % window));
      }
    }
  }
  return raster;
}

GridCell region_cell(RegionOrder order, std::int64_t columns, std::int64_t index) {
  const GridCell cell{index / columns, index % columns};
  const bool backwards = order == RegionOrder::kSnake && cell.row % 2 == 1;
  return {cell.row, backwards ? columns - 1 - cell.column : cell.column};
}

std::int64_t region_index(RegionOrder order, std::int64_t columns, GridCell cell) {
  const bool backwards = order == RegionOrder::kSnake && cell.row % 2 == 1;
  return cell.row * columns + (backwards ? columns - 1 - cell.column : cell.column);
}

std::vector<std::int32_t> serial_order(std::int64_t rows, std::int64_t columns, std::int64_t side, RegionOrder regions,
                                       PixelOrder pixels) {
  check_rectangle(rows, columns);
  if (side < 1 || rows % side != 0 || columns % side != 0) {
    refuse("expected regions that divide " + sides(rows, columns) + " tokens, got " + std::to_string(side));
  }
  const std::vector<std::int32_t> inside = pixel_order(pixels, side);
  std::vector<std::int32_t> raster;
  raster.reserve(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < (rows / side) * (columns / side); ++i) {
    const GridCell cell = region_cell(regions, columns / side, i);
    for (const std::int32_t token : inside) {
      const std::int64_t row = cell.row * side + token / side, column = cell.column * side + token % side;
      raster.push_back(static_cast<std::int32_t>(row * columns + column));
    }
  }
  return raster;
}

std::vector<std::int32_t> inverse_order(std::span<const std::int32_t> order) {
  std::vector<std::int32_t> position(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    position[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
  }
  return position;
}

std::vector<std::array<std::int32_t, 4>> merge_sources(PixelOrder order, std::int64_t side) {
  if (side % 2 != 0) refuse("expected an even side to merge, got " + std::to_string(side));
  const std::vector<std::int32_t> position = inverse_order(pixel_order(order, side));
  const std::vector<std::int32_t> merged = pixel_order(order, side / 2);
  std::vector<std::array<std::int32_t, 4>> sources(merged.size());
  for (std::size_t i = 0; i < merged.size(); ++i) {
    const std::int64_t row = 2 * (merged[i] / (side / 2)), column = 2 * (merged[i] % (side / 2));
    for (std::int64_t k = 0; k < 4; ++k) {
      sources[i][static_cast<std::size_t>(k)] =
          position[static_cast<std::size_t>((row + k % 2) * side + column + k / 2)];
    }
  }
  return sources;
}

}  // namespace histojet::tokens
