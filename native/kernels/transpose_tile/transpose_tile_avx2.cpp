#include "kernels/transpose_tile/transpose_tile_blocks.hpp"

namespace histojet::kernels {
namespace {

/// 4 x 4 floats within each half of the four vectors, in place.
inline void turn_halves(Floats& a, Floats& b, Floats& c, Floats& d) {
  const Floats ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
  const Floats cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
  a = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
  b = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
  c = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
  d = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
}

inline void turn(Floats (&rows)[kLanes]) {
  turn_halves(rows[0], rows[1], rows[2], rows[3]);
  turn_halves(rows[4], rows[5], rows[6], rows[7]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const Floats upper = rows[i], lower = rows[i + 4];
    rows[i] = _mm256_permute2f128_ps(upper, lower, 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(upper, lower, 0x31);
  }
}

}  // namespace

void avx2::transpose_tile(const TransposeTileArgs& args) {
  transpose_blocks(args);
}

}  // namespace histojet::kernels
