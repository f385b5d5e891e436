#include <immintrin.h>

#include "kernels/fused_normalize/fused_normalize.hpp"

namespace histojet::kernels::avx512 {

void fused_normalize(const FusedNormalizeArgs& args) {
  const __m256 scale = _mm256_set1_ps(args.scale), shift = _mm256_set1_ps(args.shift);
  std::int64_t i = 0;
  for (; i + 8 <= args.count; i += 8) {
    const __m256 values = _mm256_fmadd_ps(_mm256_loadu_ps(args.in + i), scale, shift);
    _mm512_storeu_pd(args.out + i, _mm512_cvtps_pd(values));
  }
  for (; i < args.count; ++i) args.out[i] = __builtin_fmaf(args.in[i], args.scale, args.shift);
}

}  // namespace histojet::kernels::avx512
