#pragma once

#include <cstdint>
#include <span>

#include "tiles/axis_filter.hpp"

namespace histojet::tiles {

/// One source row and its share in an output row.
struct WeightedRow {
  const std::uint8_t* pixels = nullptr;
  float weight = 0;
};

/// sums[i] += weight * pixels[i], row after row in the order given; with `first` the sums start from zero. The order of
/// the additions is the order of the rows however they are cut into calls, so results do not depend on the cut.
void add_rows(std::span<const WeightedRow> rows, std::int64_t samples, bool first, float* sums);

/// The same for RGBA rows with straight alpha, which are premultiplied on the way (colour * alpha / 255).
void add_rows_premultiplied(std::span<const WeightedRow> rows, std::int64_t samples, bool first, float* sums);

/// Output pixels [begin, end) of the filter from a summed row whose first pixel is source pixel `source_begin`;
/// rounded to the nearest, ties to even. `row` needs room for 4 values behind its end.
void filter_columns(const AxisFilter& filter, std::int64_t begin, std::int64_t end, const float* row,
                    std::int64_t source_begin, int channels, std::uint8_t* out);

}  // namespace histojet::tiles
