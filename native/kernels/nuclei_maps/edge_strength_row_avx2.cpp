#include <immintrin.h>

#include "kernels/nuclei_maps/edge_strength_row.hpp"

namespace histojet::kernels::avx2 {
namespace {

/// Keeps the compiler from fusing a product with the sum that follows, which would round once instead of twice.
template <class Register>
Register rounded(Register product) {
  asm("" : "+x"(product));
  return product;
}

__m128 edge(const double* values, __m256d scale, __m256d shift) {
  const __m256d product = rounded(_mm256_mul_pd(_mm256_loadu_pd(values), scale));
  return _mm_sub_ps(_mm_set1_ps(1.0f), _mm256_cvtpd_ps(_mm256_add_pd(product, shift)));
}

}  // namespace

void edge_strength(const EdgeStrengthArgs& args) {
  const __m256d across_scale = _mm256_set1_pd(args.across_scale), across_shift = _mm256_set1_pd(args.across_shift);
  const __m256d down_scale = _mm256_set1_pd(args.down_scale), down_shift = _mm256_set1_pd(args.down_shift);
  std::int64_t i = 0;
  for (; i + 4 <= args.count; i += 4) {
    const __m128 across = edge(args.across + i, across_scale, across_shift);
    const __m128 down = edge(args.down + i, down_scale, down_shift);
    // Of two operands the second is the result where one is NaN.
    const __m128 both =
        args.maximum ? _mm_max_ps(down, across)
                     : _mm_sqrt_ps(_mm_add_ps(rounded(_mm_mul_ps(across, across)), rounded(_mm_mul_ps(down, down))));
    _mm_storeu_ps(args.out + i, _mm_max_ps(both, _mm_setzero_ps()));
  }
  EdgeStrengthArgs rest = args;
  rest.across += i;
  rest.down += i;
  rest.out += i;
  rest.count -= i;
  scalar::edge_strength(rest);
}

}  // namespace histojet::kernels::avx2
