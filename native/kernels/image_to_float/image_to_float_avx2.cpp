#include <immintrin.h>

#include "kernels/image_to_float/image_to_float.hpp"

namespace histojet::kernels::avx2 {

void image_to_float(const ImageToFloatArgs& args) {
  const __m256 scale = _mm256_set1_ps(255.0f);
  std::int64_t i = 0;
  for (; i + 8 <= args.count; i += 8) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(args.in + i));
    _mm256_storeu_ps(args.out + i, _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), scale));
  }
  for (; i < args.count; ++i) args.out[i] = static_cast<float>(args.in[i]) / 255.0f;
}

}  // namespace histojet::kernels::avx2
