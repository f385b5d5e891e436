#pragma once

#include "kernels/transpose_tile/transpose_tile.hpp"
#include "kernels/vector/partial.hpp"

namespace histojet::kernels {
namespace {

/// Turns a square of kLanes vectors; each vector file brings its own.
void turn(Floats (&rows)[kLanes]);

/// One square, or what is left of it at the edges.
template <bool Stream>
void transpose_block(const TransposeTileArgs& args, std::int64_t row, std::int64_t column) {
  const std::int64_t rows = args.rows - row < kLanes ? args.rows - row : kLanes;
  const std::int64_t columns = args.columns - column < kLanes ? args.columns - column : kLanes;
  const float* in = args.in + row * args.in_step + column;
  float* out = args.out + column * args.out_step + row;
  Floats block[kLanes];
  if (rows == kLanes && columns == kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) block[i] = load(in + i * args.in_step);
    turn(block);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if constexpr (Stream) {
        stream(out + i * args.out_step, block[i]);
      } else {
        store(out + i * args.out_step, block[i]);
      }
    }
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) block[i] = i < rows ? load_first(in + i * args.in_step, columns) : all(0.0f);
  turn(block);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i < columns) store_first(out + i * args.out_step, rows, block[i]);
  }
}

template <bool Stream>
void transpose_all(const TransposeTileArgs& args) {
  for (std::int64_t column = 0; column < args.columns; column += kLanes) {
    for (std::int64_t row = 0; row < args.rows; row += kLanes) transpose_block<Stream>(args, row, column);
  }
}

inline void transpose_blocks(const TransposeTileArgs& args) {
  const bool on_vectors = on_vector(args.out) && args.out_step % kLanes == 0;
  if (!args.stream || !on_vectors) return transpose_all<false>(args);
  transpose_all<true>(args);
  finish_streaming();
}

}  // namespace
}  // namespace histojet::kernels
