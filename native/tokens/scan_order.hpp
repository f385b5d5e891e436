#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace histojet::tokens {

// An order lists raster indices: the value at position i is the raster index (row * columns + column) of the token that
// is scanned as the i-th.

/// How the tokens of a square are scanned.
enum class PixelOrder {
  kZorder,   ///< bits of row and column interleaved, (0,0) (0,1) (1,0) (1,1) recursively: four neighbours in a row
  kHilbert,  ///< Hilbert's curve from (0, 0), x along the columns: four neighbours in a row, each beside the next
  kRaster,   ///< row by row, left to right
  kSnake,    ///< row by row, odd rows from right to left
};

/// How the squares of a grid are visited.
enum class RegionOrder {
  kSnake,   ///< even rows left to right, odd rows right to left
  kRaster,  ///< all rows left to right
};

struct GridCell {
  std::int64_t row = 0;
  std::int64_t column = 0;
  bool operator==(const GridCell&) const = default;
};

/// Whether four tokens that merge into one lie in a row in this order; needs sides that are powers of two.
bool is_hierarchical(PixelOrder order);

/// The order of side * side tokens. @throws Error kInvalidArgument for a side below 1 or above 16384, or, in a
/// hierarchical order, one that is no power of two.
std::vector<std::int32_t> pixel_order(PixelOrder order, std::int64_t side);

/// Boustrophedon over rows * columns tokens. @throws Error kInvalidArgument (2^28 tokens at most).
std::vector<std::int32_t> snake_order(std::int64_t rows, std::int64_t columns);

/// LocalMamba's order: windows of `window` x `window` tokens one after the other, row by row inside and outside.
/// @throws Error kInvalidArgument unless `window` divides both sides.
std::vector<std::int32_t> window_order(std::int64_t rows, std::int64_t columns, std::int64_t window);

/// The cell that is visited as the index-th in a grid of `columns` columns.
GridCell region_cell(RegionOrder order, std::int64_t columns, std::int64_t index);
/// Its inverse: when a cell is visited.
std::int64_t region_index(RegionOrder order, std::int64_t columns, GridCell cell);

/// The order of a picture of rows * columns tokens that is cut into squares of `side` tokens.
/// @throws Error kInvalidArgument unless `side` divides both, and like pixel_order().
std::vector<std::int32_t> serial_order(std::int64_t rows, std::int64_t columns, std::int64_t side, RegionOrder regions,
                                       PixelOrder pixels);

/// position[order[i]] = i.
std::vector<std::int32_t> inverse_order(std::span<const std::int32_t> order);

/// The four tokens that become one: positions in the order of a square of `side` tokens (even), for each position in
/// the same order of side / 2, as Swin concatenates them: (0,0), (1,0), (0,1), (1,1) (row, column).
std::vector<std::array<std::int32_t, 4>> merge_sources(PixelOrder order, std::int64_t side);

}  // namespace histojet::tokens
