#include <immintrin.h>

#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels::avx2 {

void max_pool2x2(const MaxPool2x2Args& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < args.width; ++x) {
    const float* top = args.row0 + 2 * x * channels;
    const float* bottom = args.row1 + 2 * x * channels;
    float* out = args.out + x * channels;
    for (std::int64_t c = 0; c < channels; c += 8) {
      const __m256 upper = _mm256_max_ps(_mm256_loadu_ps(top + c), _mm256_loadu_ps(top + channels + c));
      const __m256 lower = _mm256_max_ps(_mm256_loadu_ps(bottom + c), _mm256_loadu_ps(bottom + channels + c));
      _mm256_storeu_ps(out + c, _mm256_max_ps(upper, lower));
    }
  }
}

}  // namespace histojet::kernels::avx2
