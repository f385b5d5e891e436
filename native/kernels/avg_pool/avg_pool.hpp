#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Means over windows of any size, one output row: out[x][c] is the sum of in[row][i][c] over all `rows` and the
/// columns i of [stride x - padding, stride x - padding + window) that lie in the picture, divided by their number or,
/// as torch.nn.AvgPool2d does by default (count_include_pad), by `divisor`. Sums in float32, first along each row. A
/// global mean is one window of the picture's width over all of its rows. Rows outside of the picture are left out by
/// the caller.
///
/// Channels last, pixels side by side, `channels` a multiple of 16. Inputs and output must not overlap.
struct AvgPoolArgs {
  const RowIn* rows;
  std::int64_t row_count;  ///< at least 1
  RowOut out;
  std::int64_t in_width;
  std::int64_t out_width;
  std::int64_t window;  ///< columns
  std::int64_t stride;
  std::int64_t padding;  ///< columns left of the picture
  std::int64_t divisor;  ///< 0: the number of pixels that were summed
  std::int64_t channels;
  Storage in_storage;
  Storage out_storage;
};

extern const KernelTable<AvgPoolArgs> kAvgPool;

namespace scalar {
void avg_pool(const AvgPoolArgs& args);
}
namespace avx2 {
void avg_pool(const AvgPoolArgs& args);
}
namespace avx512 {
void avg_pool(const AvgPoolArgs& args);
}
namespace avx512bf16 {
void avg_pool(const AvgPoolArgs& args);
}

}  // namespace histojet::kernels
