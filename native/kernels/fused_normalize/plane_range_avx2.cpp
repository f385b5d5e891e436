#include <immintrin.h>

#include "kernels/fused_normalize/plane_range.hpp"

namespace histojet::kernels::avx2 {
namespace {

/// Floats from what is read to what is fetched.
constexpr std::int64_t kAhead = 1024;

}  // namespace

void plane_range(const PlaneRangeArgs& args) {
  const __m256 first = _mm256_set1_ps(args.in[0]);
  __m256 low[4] = {first, first, first, first}, high[4] = {first, first, first, first};
  __m256 rest = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 32 <= args.count; i += 32) {
    // The processor's own prefetch ends at every page.
    _mm_prefetch(reinterpret_cast<const char*>(args.in + i + kAhead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(args.in + i + kAhead + 16), _MM_HINT_T0);
    for (int k = 0; k < 4; ++k) {
      const __m256 values = _mm256_loadu_ps(args.in + i + 8 * k);
      low[k] = _mm256_min_ps(values, low[k]);
      high[k] = _mm256_max_ps(values, high[k]);
      // 0, or NaN for what is not finite; a NaN stays.
      rest = _mm256_or_ps(rest, _mm256_sub_ps(values, values));
    }
  }
  float lows[8], highs[8], rests[8];
  _mm256_storeu_ps(lows, _mm256_min_ps(_mm256_min_ps(low[0], low[1]), _mm256_min_ps(low[2], low[3])));
  _mm256_storeu_ps(highs, _mm256_max_ps(_mm256_max_ps(high[0], high[1]), _mm256_max_ps(high[2], high[3])));
  _mm256_storeu_ps(rests, rest);
  float smallest = args.in[0], largest = args.in[0], sum = 0;
  for (int k = 0; k < 8; ++k) {
    smallest = lows[k] < smallest ? lows[k] : smallest;
    largest = highs[k] > largest ? highs[k] : largest;
    sum += rests[k];
  }
  for (; i < args.count; ++i) {
    const float value = args.in[i];
    smallest = value < smallest ? value : smallest;
    largest = value > largest ? value : largest;
    sum += value - value;
  }
  *args.low = smallest;
  *args.high = largest;
  *args.finite = sum == 0;
}

}  // namespace histojet::kernels::avx2
