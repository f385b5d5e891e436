#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// out[column][row] = in[row][column]. Nothing outside the rows and columns is touched; in and out must not overlap.
struct TransposeTileArgs {
  const float* in;
  float* out;
  std::int64_t in_step;   ///< floats between rows of `in`
  std::int64_t out_step;  ///< floats between rows of `out`
  std::int64_t rows;      ///< of `in`
  std::int64_t columns;   ///< of `in`
  bool stream = false;    ///< write past the caches, where rows of `out` lie on 64-byte boundaries
};

extern const KernelTable<TransposeTileArgs> kTransposeTile;

namespace scalar {
void transpose_tile(const TransposeTileArgs& args);
}
namespace avx2 {
void transpose_tile(const TransposeTileArgs& args);
}
namespace avx512 {
void transpose_tile(const TransposeTileArgs& args);
}

}  // namespace histojet::kernels
