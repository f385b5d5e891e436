#include <immintrin.h>

#include "kernels/nuclei_maps/edge_strength_row.hpp"

namespace histojet::kernels::avx512 {
namespace {

/// Keeps the compiler from fusing a product with the sum that follows, which would round once instead of twice.
template <class Register>
Register rounded(Register product) {
  asm("" : "+v"(product));
  return product;
}

__m256 edge(const double* values, __m512d scale, __m512d shift) {
  const __m512d product = rounded(_mm512_mul_pd(_mm512_loadu_pd(values), scale));
  return _mm256_sub_ps(_mm256_set1_ps(1.0f), _mm512_cvtpd_ps(_mm512_add_pd(product, shift)));
}

}  // namespace

void edge_strength(const EdgeStrengthArgs& args) {
  const __m512d across_scale = _mm512_set1_pd(args.across_scale), across_shift = _mm512_set1_pd(args.across_shift);
  const __m512d down_scale = _mm512_set1_pd(args.down_scale), down_shift = _mm512_set1_pd(args.down_shift);
  std::int64_t i = 0;
  for (; i + 8 <= args.count; i += 8) {
    const __m256 across = edge(args.across + i, across_scale, across_shift);
    const __m256 down = edge(args.down + i, down_scale, down_shift);
    // Of two operands the second is the result where one is NaN.
    const __m256 both =
        args.maximum
            ? _mm256_max_ps(down, across)
            : _mm256_sqrt_ps(_mm256_add_ps(rounded(_mm256_mul_ps(across, across)), rounded(_mm256_mul_ps(down, down))));
    _mm256_storeu_ps(args.out + i, _mm256_max_ps(both, _mm256_setzero_ps()));
  }
  EdgeStrengthArgs rest = args;
  rest.across += i;
  rest.down += i;
  rest.out += i;
  rest.count -= i;
  scalar::edge_strength(rest);
}

}  // namespace histojet::kernels::avx512
