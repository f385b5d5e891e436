// Blocks of 14 rows x 32 columns, sums in registers; see conv2d_bf16_avx512bf16.cpp.
#include <immintrin.h>

#include "kernels/attention/attention_parts.hpp"
#include "kernels/vector/dots.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

/// P rows from row r, 16 B columns from column n.
template <int P, int B>
void block(const TileProductArgs& args, std::int64_t r, std::int64_t n) {
  __m512 sums[P][B];
#pragma GCC unroll 14
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int b = 0; b < B; ++b) sums[p][b] = _mm512_setzero_ps();
  }
  const std::int64_t column_tile = args.step_count * kTileElements;
  const Bfloat16* weights = args.tiles + n / kVectorSums * column_tile;
  for (std::int64_t s = 0; s < args.step_count; ++s, weights += kTileElements) {
    const std::byte* in = args.rows[args.steps[s].row] + r * args.row_bytes + args.steps[s].offset;
    dot_step(sums, in, args.row_bytes, weights, column_tile);
  }
  float* out = args.out + r * args.out_row_floats + n;
#pragma GCC unroll 14
  for (int p = 0; p < P; ++p, out += args.out_row_floats) {
#pragma GCC unroll 2
    for (int b = 0; b < B; ++b) _mm512_storeu_ps(out + b * kVectorSums, sums[p][b]);
  }
}

template <int P>
void rows_from(const TileProductArgs& args, std::int64_t r) {
  std::int64_t n = 0;
  for (; n + 2 * kVectorSums <= args.columns; n += 2 * kVectorSums) block<P, 2>(args, r, n);
  if (n < args.columns) block<P, 1>(args, r, n);
}

}  // namespace

void tile_product(const TileProductArgs& args) {
  // Rows may be read and written up to a multiple of 16: twos beyond the last fourteen never leave that.
  const std::int64_t rows = (args.row_count + 1) / 2 * 2;
  std::int64_t r = 0;
  for (; rows - r >= 14; r += 14) rows_from<14>(args, r);
  for (; rows - r >= 4; r += 4) rows_from<4>(args, r);
  if (r < rows) rows_from<2>(args, r);
}

}  // namespace histojet::kernels::avx512bf16
