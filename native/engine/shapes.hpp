#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.hpp"

namespace histojet::engine {

/// Size of a picture or feature map in pixels.
struct Extent {
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool operator==(const Extent&) const = default;
};

/// Sizes of all results for an input of the given size.
/// @throws Error kInvalidArgument naming the operation when one would have no pixels or a crop would have to enlarge.
std::vector<Extent> infer_extents(const Program& program, Extent image);

/// Rows of input `index` that row `y` of the node's result needs, both ends included, before clipping to the input's
/// height. `from` and `to` are the sizes of that input and of the result.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
RowRange input_rows(const ProgramNode& node, std::size_t index, std::int64_t y, Extent from, Extent to);

/// Multiply-adds times two that one result of this size costs, without those on padded channels.
std::int64_t flops(const Program& program, int id, Extent result);

}  // namespace histojet::engine
