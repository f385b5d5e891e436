#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bfloat16.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/storage.hpp"

namespace histojet::kernels {

/// One step of an implicit GEMM on tile registers: 32 bfloat16 that lie side by side in one input row.
struct TileStep {
  std::int32_t row;     ///< which of the row pointers of an output row
  std::int32_t offset;  ///< bytes from that row's start at position 0
  std::int32_t stride;  ///< bytes between two positions
};

/// How the steps of a walk share what they load.
enum class StepOrder {
  kPlain,  ///< each step has its own input and its own weight tile
  /// Split inputs and weights. Steps come in threes: low input x high weights, high input x the same weights, the same
  /// input x low weights; the three use two weight tiles.
  kSplit,
};

/// Which weight tile of its columns a step uses.
constexpr std::int64_t weight_tile(StepOrder order, std::int64_t step) {
  return order == StepOrder::kPlain ? step : step / 3 * 2 + (step % 3) / 2;
}

/// Memory that the next call will touch, in cache lines.
struct RowsAhead {
  const std::byte* from;
  std::int64_t count;
};

/// Convolution over rows of bfloat16, channels last, any number of inputs, followed by bias and optionally ReLU:
/// out[y][p][n] = (bias[n] + sum over steps and their 32 elements of in * weight) + addend[y][p][n], in float32.
/// In place of that, or beside it, active[y][p][n] = relu(scale[n] * out[y][p][n] + shift[n]) of what has not been
/// rounded yet (a fused multiply-add): a batch norm and ReLU whose input need not be read again.
///
/// A position is one output pixel, or several neighbouring ones whose channels lie side by side (narrow pixels are
/// taken in pairs, so that each load is one cache line; the weights say which tap belongs to which pixel). Zero padding
/// is the caller's. Elements with zero weights are read too and must be finite. Up to 15 positions beyond the row may
/// be read; what is read there has no influence. Results do not depend on width, rows per call or threads.
///
/// Products of a step are summed in two chains, of even and odd elements, which are added to the sum so far, as the
/// TDPBF16PS instruction does: the scalar and the AMX variant agree bit for bit (denormals apart, which the instruction
/// flushes). VDPBF16PS adds pair after pair to the sum, so that variant rounds in another order.
struct Conv2dBf16Args {
  const std::byte* const* rows;  ///< [row_count][rows_per_output]; the planes of a split input are rows of their own
  std::byte* const* out_rows;    ///< [row_count]: position 0; `columns` values per position are written; or null
  std::int64_t row_count;
  std::int64_t rows_per_output;
  std::int64_t positions;           ///< per row
  std::int64_t out_position_bytes;  ///< between two positions
  std::int64_t out_plane_bytes;     ///< from a row to its low plane; Storage::kSplit only
  const TileStep* steps;
  std::int64_t step_count;
  StepOrder order;
  /// Weights: [columns / 16][weight_tile(order, step_count)][16][16][2]; element 2i + j of a step at [i][column][j].
  const Bfloat16* tiles;
  std::int64_t columns;  ///< a multiple of 16
  const float* bias;     ///< [columns], 64-byte aligned like `tiles`
  bool relu;
  Storage storage;  ///< of the output
  bool stream;      ///< stores past the cache: the output is larger than it and not read soon
  /// [row_count]: what is added to the result, stored and laid out like it; null for nothing.
  const std::byte* const* addend_rows;
  std::int64_t addend_plane_bytes;
  const std::byte** scratch_pointers;  ///< [step_count]
  /// [row_count]: where the active results go, laid out like the others; null for none. Without `relu` only.
  std::byte* const* active_rows = nullptr;
  std::int64_t active_plane_bytes = 0;
  bool active_stream = false;
  const float* scale = nullptr;  ///< [columns], 64-byte aligned; with `active_rows`
  const float* shift = nullptr;
  /// Fetched into the second-level cache on the way, line after line, so that hardware prefetchers follow; only speed
  /// depends on it. The order of blocks touches maps in main memory so that they do not.
  const RowsAhead* ahead = nullptr;
  std::int64_t ahead_count = 0;
};

extern const KernelTable<Conv2dBf16Args> kConv2dBf16;

namespace scalar {
void conv2d_bf16(const Conv2dBf16Args& args);
}
namespace avx512bf16 {
void conv2d_bf16(const Conv2dBf16Args& args);
}
namespace amx {
void conv2d_bf16(const Conv2dBf16Args& args);
}

}  // namespace histojet::kernels
