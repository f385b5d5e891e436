#include <immintrin.h>

#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

namespace histojet::kernels::avx2 {
namespace {

__m256 mix(__m256 main, __m256 side) {
  return _mm256_fmadd_ps(_mm256_set1_ps(0.75f), main, _mm256_mul_ps(_mm256_set1_ps(0.25f), side));
}

}  // namespace

void resize_bilinear2x(const ResizeBilinear2xArgs& args) {
  const std::int64_t channels = args.channels;
  for (std::int64_t x = 0; x < 2 * args.width; ++x) {
    const std::int64_t center = x / 2;
    const std::int64_t wanted = x % 2 == 0 ? center - 1 : center + 1;
    const std::int64_t neighbour = wanted < 0 ? 0 : wanted >= args.width ? args.width - 1 : wanted;
    const std::int64_t main = center * channels;
    const std::int64_t side = neighbour * channels;
    float* out = args.out + x * channels;
    for (std::int64_t c = 0; c < channels; c += 8) {
      const __m256 near = mix(_mm256_loadu_ps(args.near + main + c), _mm256_loadu_ps(args.near + side + c));
      const __m256 far = mix(_mm256_loadu_ps(args.far + main + c), _mm256_loadu_ps(args.far + side + c));
      _mm256_storeu_ps(out + c, mix(near, far));
    }
  }
}

}  // namespace histojet::kernels::avx2
