#include <immintrin.h>

#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels::avx2 {
namespace {

template <bool kSymmetric>
__m256d both_sides(const double* left, const double* right) {
  const __m256d a = _mm256_loadu_pd(left), b = _mm256_loadu_pd(right);
  return kSymmetric ? _mm256_add_pd(a, b) : _mm256_sub_pd(b, a);
}

template <bool kSymmetric>
void filter(const SymmetricFilterArgs& args) {
  const __m256d centre_tap = _mm256_set1_pd(args.centre_tap);
  __m256d low = _mm256_set1_pd(__builtin_inf()), high = _mm256_set1_pd(-__builtin_inf());
  std::int64_t x = 0;
  // Four vectors at once hide the latency of the sums.
  for (; x + 16 <= args.width; x += 16) {
    __m256d sums[4];
    for (int i = 0; i < 4; ++i) {
      sums[i] = kSymmetric ? _mm256_mul_pd(_mm256_loadu_pd(args.centre + x + 4 * i), centre_tap) : _mm256_setzero_pd();
    }
    for (int k = 0; k < args.radius; ++k) {
      const __m256d tap = _mm256_set1_pd(args.taps[k]);
      const double *left = args.left[k] + x, *right = args.right[k] + x;
      for (int i = 0; i < 4; ++i) {
        sums[i] = _mm256_fmadd_pd(both_sides<kSymmetric>(left + 4 * i, right + 4 * i), tap, sums[i]);
      }
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_pd(args.out + x + 4 * i, sums[i]);
      low = _mm256_min_pd(sums[i], low);
      high = _mm256_max_pd(sums[i], high);
    }
  }
  double lows[4], highs[4];
  _mm256_storeu_pd(lows, low);
  _mm256_storeu_pd(highs, high);
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
  for (int i = 0; i < 4; ++i) {
    args.range[0] = lows[i] < args.range[0] ? lows[i] : args.range[0];
    args.range[1] = highs[i] > args.range[1] ? highs[i] : args.range[1];
  }
}

}  // namespace

void symmetric_filter(const SymmetricFilterArgs& args) {
  args.centre != nullptr ? filter<true>(args) : filter<false>(args);
}

}  // namespace histojet::kernels::avx2
