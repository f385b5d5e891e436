#pragma once

#include <cstdint>

#include "kernels/activation/activation.hpp"

namespace histojet::kernels {

/// Convolution of each channel with a window of its own: out[y][x][c] = activation(bias[c] + sum over dy, dx of
/// in(y, dy)[stride x + dx][c] * weights[dy * kernel + dx][c]) in float32, rounded to the storage at the end.
///
/// Channels last, pixels side by side, `channels` a multiple of 16. Zero padding is the caller's: row pointers of taps
/// above and below the picture point to a row of zeros, and rows carry their left and right halo. Results do not depend
/// on width or rows per call. Inputs and outputs must not overlap.
struct DepthwiseConv2dArgs {
  const RowIn* rows;       ///< [row_count][kernel]: first tap at output column 0
  const RowOut* out_rows;  ///< [row_count]
  std::int64_t row_count;
  std::int64_t width;   ///< output pixels per row
  std::int64_t kernel;  ///< side of the window: 3, 5 or 7
  std::int64_t stride;  ///< 1 or 2
  std::int64_t channels;
  const float* weights;  ///< [kernel * kernel][channels]
  const float* bias;     ///< [channels]
  Activation activation;
  Storage storage;
};

extern const KernelTable<DepthwiseConv2dArgs> kDepthwiseConv2d;

namespace scalar {
void depthwise_conv2d(const DepthwiseConv2dArgs& args);
}
namespace avx2 {
void depthwise_conv2d(const DepthwiseConv2dArgs& args);
}
namespace avx512 {
void depthwise_conv2d(const DepthwiseConv2dArgs& args);
}
namespace avx512bf16 {
void depthwise_conv2d(const DepthwiseConv2dArgs& args);
}

}  // namespace histojet::kernels
