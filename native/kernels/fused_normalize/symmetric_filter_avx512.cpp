#include <immintrin.h>

#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels::avx512 {
namespace {

template <bool kSymmetric>
__m512d both_sides(const double* left, const double* right) {
  const __m512d a = _mm512_loadu_pd(left), b = _mm512_loadu_pd(right);
  return kSymmetric ? _mm512_add_pd(a, b) : _mm512_sub_pd(b, a);
}

template <bool kSymmetric>
void filter(const SymmetricFilterArgs& args) {
  const __m512d centre_tap = _mm512_set1_pd(args.centre_tap);
  __m512d low = _mm512_set1_pd(__builtin_inf()), high = _mm512_set1_pd(-__builtin_inf());
  std::int64_t x = 0;
  // Four vectors at once hide the latency of the sums.
  for (; x + 32 <= args.width; x += 32) {
    __m512d sums[4];
    for (int i = 0; i < 4; ++i) {
      sums[i] = kSymmetric ? _mm512_mul_pd(_mm512_loadu_pd(args.centre + x + 8 * i), centre_tap) : _mm512_setzero_pd();
    }
    for (int k = 0; k < args.radius; ++k) {
      const __m512d tap = _mm512_set1_pd(args.taps[k]);
      const double *left = args.left[k] + x, *right = args.right[k] + x;
      for (int i = 0; i < 4; ++i) {
        sums[i] = _mm512_fmadd_pd(both_sides<kSymmetric>(left + 8 * i, right + 8 * i), tap, sums[i]);
      }
    }
    for (int i = 0; i < 4; ++i) {
      _mm512_storeu_pd(args.out + x + 8 * i, sums[i]);
      low = _mm512_min_pd(sums[i], low);
      high = _mm512_max_pd(sums[i], high);
    }
  }
  double lows[8], highs[8];
  _mm512_storeu_pd(lows, low);
  _mm512_storeu_pd(highs, high);
  for (; x < args.width; ++x) {
    double sum = kSymmetric ? args.centre[x] * args.centre_tap : 0;
    for (int k = 0; k < args.radius; ++k) {
      const double left = args.left[k][x], right = args.right[k][x];
      sum = __builtin_fma(kSymmetric ? left + right : right - left, args.taps[k], sum);
    }
    args.out[x] = sum;
    lows[0] = sum < lows[0] ? sum : lows[0];
    highs[0] = sum > highs[0] ? sum : highs[0];
  }
  if (args.range == nullptr) return;
  for (int i = 0; i < 8; ++i) {
    args.range[0] = lows[i] < args.range[0] ? lows[i] : args.range[0];
    args.range[1] = highs[i] > args.range[1] ? highs[i] : args.range[1];
  }
}

}  // namespace

void symmetric_filter(const SymmetricFilterArgs& args) {
  args.centre != nullptr ? filter<true>(args) : filter<false>(args);
}

}  // namespace histojet::kernels::avx512
