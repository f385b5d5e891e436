// For AMD's cores, which shift vectors beside the multipliers, while each load that crosses a cache line takes two
// turns: a row of 21 taps is read once, line by line, and shifted in registers. Intel's cores shift on a port of their
// multipliers, so that they are better off with the loads.
#include <immintrin.h>

#include <utility>

#include "kernels/nuclei_maps/sobel_pass.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

constexpr int kRadius = 10;
constexpr int kLanes = 8;
constexpr int kVectors = 4;  ///< of results that share what is shifted
constexpr int kBlock = kVectors * kLanes;
constexpr int kLines = kVectors + 2 * static_cast<int>(kSobelLead) / kLanes;

/// The eight values from element S of two neighbouring vectors on.
template <int S>
__m512d shifted(__m512d low, __m512d high) {
  if constexpr (S == 0) return low;
  return _mm512_castsi512_pd(_mm512_maskz_alignr_epi64(0xff, _mm512_castpd_si512(high), _mm512_castpd_si512(low), S));
}

/// What the values at distance A from the block's begin add to the results under whose taps they lie.
template <bool kSymmetric, int A>
void add_taps(const __m512d (&lines)[kLines], const __m512d* taps, __m512d (&sums)[kVectors]) {
  constexpr int kLine = (A + static_cast<int>(kSobelLead)) / kLanes,
                kShift = (A + static_cast<int>(kSobelLead)) % kLanes;
  const __m512d value = shifted<kShift>(lines[kLine], lines[kShift == 0 ? kLine : kLine + 1]);
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) {
    const int k = A - kLanes * j;
    if (k < -kRadius || k > kRadius || (k == 0 && !kSymmetric)) continue;
    sums[j] = k < 0 && !kSymmetric ? _mm512_fnmadd_pd(value, taps[-k], sums[j])
                                   : _mm512_fmadd_pd(value, taps[k < 0 ? -k : k], sums[j]);
  }
}

template <bool kSymmetric, int... I>
void block(const double* in, const __m512d* taps, double* out, std::integer_sequence<int, I...>) {
  __m512d lines[kLines], sums[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kLines; ++i) lines[i] = _mm512_loadu_pd(in - kSobelLead + kLanes * i);
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) sums[j] = _mm512_setzero_pd();
  (add_taps<kSymmetric, I - kRadius>(lines, taps, sums), ...);
#pragma GCC unroll 4
  for (int j = 0; j < kVectors; ++j) _mm512_storeu_pd(out + kLanes * j, sums[j]);
}

template <bool kSymmetric>
void row(const SobelRowArgs& args) {
  using Distances = std::make_integer_sequence<int, 2 * kRadius + kBlock - kLanes + 1>;
  __m512d taps[kRadius + 1];
#pragma GCC unroll 16
  for (int k = 0; k <= kRadius; ++k) taps[k] = _mm512_set1_pd(args.taps[k]);
  for (std::int64_t x = 0; x + kBlock <= args.width; x += kBlock) {
    block<kSymmetric>(args.in + x, taps, args.out + x, Distances{});
  }
  // The last block may write some values a second time.
  const std::int64_t last = args.width - kBlock;
  if (last % kBlock != 0) block<kSymmetric>(args.in + last, taps, args.out + last, Distances{});
}

}  // namespace

void sobel_row(const SobelRowArgs& args) {
  if (args.radius != kRadius || args.width < kBlock) return avx512::sobel_row(args);
  args.symmetric ? row<true>(args) : row<false>(args);
}

}  // namespace histojet::kernels::avx512bf16
