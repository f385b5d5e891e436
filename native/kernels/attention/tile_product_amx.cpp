// Blocks of 32 x 32: two tiles of rows, two of weights, four of sums, which are stored where they belong. Scores and
// weights of a block of queries fit the first-level cache, so nothing has to be put aside.
#include <immintrin.h>

#include "kernels/attention/attention_parts.hpp"
#include "kernels/vector/tiles.hpp"

namespace histojet::kernels::amx {
namespace {

/// A tiles of rows from row r, B tiles of columns from column n.
template <int A, int B>
void block(const TileProductArgs& args, std::int64_t r, std::int64_t n) {
  asm volatile("" : : : "memory");
  zero_tile<0>();
  if constexpr (B == 2) zero_tile<1>();
  if constexpr (A == 2) zero_tile<2>();
  if constexpr (A == 2 && B == 2) zero_tile<3>();
  const Bfloat16* weights = args.tiles + n / kTileRows * args.step_count * kTileElements;
  const std::int64_t column_tile = args.step_count * kTileElements;
  for (std::int64_t s = 0; s < args.step_count; ++s, weights += kTileElements) {
    const std::byte* in = args.rows[args.steps[s].row] + r * args.row_bytes + args.steps[s].offset;
    load_tile<4>(in, args.row_bytes);
    load_tile<6>(weights, kLine);
    multiply<0, 4, 6>();
    if constexpr (B == 2) {
      load_tile<7>(weights + column_tile, kLine);
      multiply<1, 4, 7>();
    }
    if constexpr (A == 2) {
      load_tile<5>(in + kTileRows * args.row_bytes, args.row_bytes);
      multiply<2, 5, 6>();
      if constexpr (B == 2) multiply<3, 5, 7>();
    }
  }
  const std::int64_t stride = 4 * args.out_row_floats;
  float* out = args.out + r * args.out_row_floats + n;
  store_tile<0>(out, stride);
  if constexpr (B == 2) store_tile<1>(out + kTileRows, stride);
  out += kTileRows * args.out_row_floats;
  if constexpr (A == 2) store_tile<2>(out, stride);
  if constexpr (A == 2 && B == 2) store_tile<3>(out + kTileRows, stride);
}

template <int A>
void rows_from(const TileProductArgs& args, std::int64_t r) {
  std::int64_t n = 0;
  for (; n + 2 * kTileRows <= args.columns; n += 2 * kTileRows) block<A, 2>(args, r, n);
  if (n < args.columns) block<A, 1>(args, r, n);
}

}  // namespace

void tile_product(const TileProductArgs& args) {
  configure_tiles();
  std::int64_t r = 0;
  for (; args.row_count - r > kTileRows; r += 2 * kTileRows) rows_from<2>(args, r);
  if (r < args.row_count) rows_from<1>(args, r);
  // A live tile state would make each switch of threads save 8 KiB.
  release_tiles();
}

}  // namespace histojet::kernels::amx
