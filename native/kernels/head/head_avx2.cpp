#include <immintrin.h>

#include "kernels/head/head.hpp"

namespace histojet::kernels::avx2 {
namespace {

/// exp(x) for x in [-87, 87] within 2 units in the last place: 2^n * exp(r) with |r| <= ln 2 / 2, a polynomial of
/// degree 6 (the Taylor series; the first left-out term is below 2e-7 relative) and n added to the exponent bits.
__m256 exponential(__m256 x) {
  const __m256 n =
      _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 sum = _mm256_set1_ps(1.0f / 720);
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.0f / 120));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.0f / 24));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.0f / 6));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(0.5f));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.0f));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.0f));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), exponent));
}

/// Eight probabilities from the differences of two logits. NaN stays NaN.
__m256 probability(__m256 difference) {
  const __m256 one = _mm256_set1_ps(1.0f);
  // Operand order: min and max return the second operand when one is NaN.
  const __m256 bounded = _mm256_max_ps(_mm256_set1_ps(-87.0f), _mm256_min_ps(_mm256_set1_ps(87.0f), difference));
  const __m256 value = _mm256_div_ps(one, _mm256_add_ps(one, exponential(_mm256_sub_ps(_mm256_setzero_ps(), bounded))));
  const __m256 positive = _mm256_cmp_ps(difference, _mm256_setzero_ps(), _CMP_GT_OQ);
  const __m256 at_most_half = _mm256_min_ps(_mm256_set1_ps(0.5f), value);
  const __m256 above_half = _mm256_max_ps(_mm256_set1_ps(0.50000006f), value);
  return _mm256_blendv_ps(at_most_half, above_half, positive);
}

/// Offsets of the first class of eight pixels.
__m256i pixel_offsets(std::int64_t pixel_stride) {
  return _mm256_mullo_epi32(_mm256_set1_epi32(static_cast<int>(pixel_stride)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace

void class_probability(const ClassProbabilityArgs& args) {
  if (args.classes != 2) return scalar::class_probability(args);
  const __m256i index = pixel_offsets(args.pixel_stride);
  std::int64_t x = 0;
  for (; x + 8 <= args.width; x += 8) {
    const float* logits = args.logits + x * args.pixel_stride;
    const __m256 background = _mm256_i32gather_ps(logits, index, 4);
    const __m256 nucleus = _mm256_i32gather_ps(logits + 1, index, 4);
    _mm256_storeu_ps(args.out + x, probability(_mm256_sub_ps(nucleus, background)));
  }
  for (; x < args.width; ++x) {
    const float* logits = args.logits + x * args.pixel_stride;
    const __m256 value = probability(_mm256_set1_ps(logits[1] - logits[0]));
    args.out[x] = _mm_cvtss_f32(_mm256_castps256_ps128(value));
  }
}

void class_index(const ClassIndexArgs& args) {
  const __m256i index = pixel_offsets(args.pixel_stride);
  std::int64_t x = 0;
  for (; x + 8 <= args.width; x += 8) {
    const float* logits = args.logits + x * args.pixel_stride;
    __m256 best = _mm256_i32gather_ps(logits, index, 4);
    __m256 best_class = _mm256_setzero_ps();
    for (std::int64_t c = 1; c < args.classes; ++c) {
      const __m256 value = _mm256_i32gather_ps(logits + c, index, 4);
      // Larger, or NaN, but never after a NaN.
      const __m256 better =
          _mm256_and_ps(_mm256_cmp_ps(value, best, _CMP_NLE_UQ), _mm256_cmp_ps(best, best, _CMP_ORD_Q));
      best = _mm256_blendv_ps(best, value, better);
      best_class = _mm256_blendv_ps(best_class, _mm256_set1_ps(static_cast<float>(c)), better);
    }
    _mm256_storeu_ps(args.out + x, best_class);
  }
  const std::int64_t stride = args.pixel_stride;
  scalar::class_index({args.logits + x * stride, args.out + x, args.width - x, args.classes, stride});
}

}  // namespace histojet::kernels::avx2
