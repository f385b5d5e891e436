#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// One stretch of the K dimension (taps x input channels) of an implicit GEMM: values that lie side by side in one
/// input row. A convolution over contiguous pixels has one step per kernel row; padded pixels need one per tap. The
/// table is independent of the element type; a tile engine cuts the same walk into steps of its own width.
struct KStep {
  std::int32_t row;           ///< which of the row pointers of an output row
  std::int32_t offset;        ///< elements from that row's first tap at output column 0
  std::int32_t length;        ///< elements of K, one after the other in memory
  std::int32_t pixel_stride;  ///< elements between the inputs of two neighbouring output pixels; any number
};

/// Convolution over rows, channels last, any number of inputs (instead of a concatenation), followed by bias and
/// optionally ReLU: out[y][x][n] = bias[n] + addend[y][x][n] + sum over k of in(y, x, k) * weight[k][n]. The stride is
/// in the steps (and, downwards, in the row pointers).
///
/// Zero padding is the caller's: row pointers of taps above and below the picture point to a row of zeros, and rows
/// carry their left and right halo. The sum runs over k in ascending order, whatever the block sizes; results of one
/// variant do not depend on width, rows per call or threads. Inputs and outputs must not overlap.
struct Conv2dArgs {
  const float* const* rows;  ///< [row_count][rows_per_output]: first tap at output column 0 of each needed input row
  float* const* out_rows;    ///< [row_count]: output column 0; `columns` values per pixel are written
  std::int64_t row_count;
  std::int64_t rows_per_output;
  std::int64_t width;             ///< output pixels per row
  std::int64_t out_pixel_stride;  ///< floats between two output pixels, at least `columns`
  const KStep* steps;
  std::int64_t step_count;
  std::int64_t k_total;  ///< sum of the steps' lengths
  const float* panels;   ///< weights: blocks of `panel_columns` columns (the last may be narrower), each [k][columns]
  std::int64_t panel_columns;  ///< `conv2d_panel_columns(isa)`
  std::int64_t columns;        ///< output channels rounded up to 16; the additional ones have zero weights and bias
  const float* bias;           ///< [columns], 64-byte aligned like `panels`
  bool relu;
  /// [row_count]: what is added to the result, laid out like it; null for nothing.
  const float* const* addend_rows;
  bool stream;  ///< stores past the cache: the output is larger than it and not read soon; pixels start cache lines
};

extern const KernelTable<Conv2dArgs> kConv2d;

/// Width of a weight panel for the variant that `kConv2d.pick(isa)` gives: two vectors.
std::int64_t conv2d_panel_columns(Isa isa);

namespace scalar {
void conv2d(const Conv2dArgs& args);
}
namespace avx2 {
void conv2d(const Conv2dArgs& args);
}
namespace avx512 {
void conv2d(const Conv2dArgs& args);
}

}  // namespace histojet::kernels
