#include "kernels/transpose_tile/transpose_tile_blocks.hpp"

namespace histojet::kernels {
namespace {

/// 4 x 4 floats within each quarter of the four vectors, in place.
inline void turn_quarters(Floats& a, Floats& b, Floats& c, Floats& d) {
  const Floats ab_low = _mm512_unpacklo_ps(a, b), ab_high = _mm512_unpackhi_ps(a, b);
  const Floats cd_low = _mm512_unpacklo_ps(c, d), cd_high = _mm512_unpackhi_ps(c, d);
  a = _mm512_shuffle_ps(ab_low, cd_low, 0x44);
  b = _mm512_shuffle_ps(ab_low, cd_low, 0xee);
  c = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
  d = _mm512_shuffle_ps(ab_high, cd_high, 0xee);
}

/// 4 x 4 quarters of the four vectors, in place.
inline void exchange_quarters(Floats& a, Floats& b, Floats& c, Floats& d) {
  const Floats ab_low = _mm512_shuffle_f32x4(a, b, 0x44), ab_high = _mm512_shuffle_f32x4(a, b, 0xee);
  const Floats cd_low = _mm512_shuffle_f32x4(c, d, 0x44), cd_high = _mm512_shuffle_f32x4(c, d, 0xee);
  a = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
  b = _mm512_shuffle_f32x4(ab_low, cd_low, 0xdd);
  c = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
  d = _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd);
}

inline void turn(Floats (&rows)[kLanes]) {
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) turn_quarters(rows[i], rows[i + 1], rows[i + 2], rows[i + 3]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) exchange_quarters(rows[i], rows[i + 4], rows[i + 8], rows[i + 12]);
}

}  // namespace

void avx512::transpose_tile(const TransposeTileArgs& args) {
  transpose_blocks(args);
}

}  // namespace histojet::kernels
