#pragma once

// Sums of products of bfloat16 pairs on vector registers (VDPBF16PS), for _avx512bf16 files only; in an unnamed
// namespace like all that such files define.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bfloat16.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

constexpr std::int64_t kVectorSums = 16;     ///< columns of one vector of sums
constexpr std::int64_t kStepPairs = 16;      ///< pairs of elements of a step
constexpr std::int64_t kTileElements = 512;  ///< bfloat16 of the weights of a step and 16 columns

/// Where the values of P positions lie, a stride apart. Seven positions share a base pointer: with a few multiples of
/// the stride in registers each of them is one addressing mode (base + register, or + 4 * register).
template <int P>
class Positions {
 public:
  Positions(const std::byte* first, std::int64_t stride)
      : one_(stride), two_(2 * stride), three_(3 * stride), five_(5 * stride), six_(6 * stride) {
    base_[0] = first;
    if constexpr (kBases > 1) base_[1] = first + kPerBase * stride;
    if constexpr (kBases > 2) base_[2] = first + 2 * kPerBase * stride;
    if constexpr (kBases > 3) base_[3] = first + 3 * kPerBase * stride;
  }

  void next_pair() {
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) base_[b] += 4;
  }
  /// Hides how the values are related: the compiler would keep each position's address in a register, and spill.
  void hide() {
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) asm("" : "+r"(base_[b]));
    asm("" : "+r"(one_), "+r"(two_), "+r"(three_), "+r"(five_), "+r"(six_));
  }
  /// The pair of position p, in all lanes.
  __m512bh pair(int p) const {
    const std::int64_t offset[] = {0, one_, two_, three_, 4 * one_, five_, six_};
    int both;
    std::memcpy(&both, base_[p / kPerBase] + offset[p % kPerBase], sizeof both);
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(both));
  }

 private:
  static constexpr int kPerBase = 7;
  static constexpr int kBases = (P + kPerBase - 1) / kPerBase;

  const std::byte* base_[kBases];
  std::int64_t one_, two_, three_, five_, six_;  ///< strides in bytes
};

/// One step for P positions and 16 B columns: 32 elements of each position times the tiles of weights, which lie
/// `column_tile` elements apart.
template <int P, int B>
[[gnu::always_inline]] inline void dot_step(__m512 (&sums)[P][B], const std::byte* in, std::int64_t stride,
                                            const Bfloat16* weights, std::int64_t column_tile) {
  Positions<P> positions(in, stride);
  for (const Bfloat16* end = weights + kTileElements; weights != end; weights += 2 * kVectorSums) {
    positions.hide();
    __m512bh weight[B];
#pragma GCC unroll 2
    for (int b = 0; b < B; ++b) {
      weight[b] = reinterpret_cast<__m512bh>(_mm512_load_si512(weights + b * column_tile));
    }
#pragma GCC unroll 28
    for (int p = 0; p < P; ++p) {
      const __m512bh value = positions.pair(p);
#pragma GCC unroll 2
      for (int b = 0; b < B; ++b) sums[p][b] = _mm512_dpbf16_ps(sums[p][b], value, weight[b]);
    }
    positions.next_pair();
  }
}

}  // namespace
}  // namespace histojet::kernels::avx512bf16
