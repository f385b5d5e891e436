#pragma once

// Sums of products of bfloat16 pairs on vector registers (VDPBF16PS), for _avx512bf16 files only; in an unnamed
// namespace like all that such files define.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bfloat16.hpp"
#include "kernels/vector/addresses.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

constexpr std::int64_t kVectorSums = 16;     ///< columns of one vector of sums
constexpr std::int64_t kTileElements = 512;  ///< bfloat16 of the weights of a step and 16 columns

/// The pair of bfloat16 at `from` in all lanes.
inline __m512bh pair_at(const char* from) {
  int both;
  std::memcpy(&both, from, sizeof both);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(both));
}

/// One step for P positions and 16 B columns: 32 elements of each position times the tiles of weights, which lie
/// `column_tile` elements apart.
template <int P, int B>
[[gnu::always_inline]] inline void dot_step(__m512 (&sums)[P][B], const std::byte* in, std::int64_t stride,
                                            const Bfloat16* weights, std::int64_t column_tile) {
  Addresses<P, 0> positions(in, stride);
  for (const Bfloat16* end = weights + kTileElements; weights != end; weights += 2 * kVectorSums) {
    positions.hide();
    __m512bh weight[B];
#pragma GCC unroll 2
    for (int b = 0; b < B; ++b) {
      weight[b] = reinterpret_cast<__m512bh>(_mm512_load_si512(weights + b * column_tile));
    }
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
      const __m512bh value = pair_at(positions.pixel(p));
#pragma GCC unroll 2
      for (int b = 0; b < B; ++b) sums[p][b] = _mm512_dpbf16_ps(sums[p][b], value, weight[b]);
    }
    positions.next();
  }
}

}  // namespace
}  // namespace histojet::kernels::avx512bf16
