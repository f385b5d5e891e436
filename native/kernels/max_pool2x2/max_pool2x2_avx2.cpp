#include <immintrin.h>

#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels::avx2 {
namespace {

/// The instruction gives its second operand where one is NaN; a NaN in the first must win too.
__m256 larger(__m256 a, __m256 b) {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

}  // namespace

void max_pool2x2(const MaxPool2x2Args& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < args.width; ++x) {
    const float* top = args.row0 + 2 * x * channels;
    const float* bottom = args.row1 + 2 * x * channels;
    float* out = args.out + x * channels;
    for (std::int64_t c = 0; c < channels; c += 8) {
      const __m256 upper = larger(_mm256_loadu_ps(top + c), _mm256_loadu_ps(top + channels + c));
      const __m256 lower = larger(_mm256_loadu_ps(bottom + c), _mm256_loadu_ps(bottom + channels + c));
      _mm256_storeu_ps(out + c, larger(upper, lower));
    }
  }
}

}  // namespace histojet::kernels::avx2
