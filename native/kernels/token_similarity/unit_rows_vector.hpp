#pragma once

#include "kernels/token_similarity/unit_rows.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// Eight rows of eight floats; row i becomes column i.
inline void transpose_eight(__m256 (&rows)[8]) {
  __m256 pairs[8];
  __m256 fours[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const int p = 4 * i;
    fours[p] = _mm256_shuffle_ps(pairs[p], pairs[p + 2], 0x44);
    fours[p + 1] = _mm256_shuffle_ps(pairs[p], pairs[p + 2], 0xee);
    fours[p + 2] = _mm256_shuffle_ps(pairs[p + 1], pairs[p + 3], 0x44);
    fours[p + 3] = _mm256_shuffle_ps(pairs[p + 1], pairs[p + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
  }
}

/// Bits of the first `count` of eight lanes.
inline __m256i first_of_eight(std::int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count > 8 ? 8 : count)), lane);
}

/// Eight values of a row of `left` more ones, zeros behind its end.
inline __m256 load_eight(const float* from, std::int64_t left) {
  return left >= 8 ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, first_of_eight(left));
}

class UnitRows {
 public:
  explicit UnitRows(const UnitRowsArgs& args) : args_(args) {}

  void run() const {
    const std::int64_t padded = unit_rows_padded();
    for (std::int64_t first = 0; first < padded; first += 8) {
      run_eight(first, args_.out + first / args_.group * args_.group * args_.channels + first % args_.group);
    }
  }

 private:
  std::int64_t unit_rows_padded() const { return (args_.count + args_.group - 1) / args_.group * args_.group; }

  /// 1 / norm, 0 for a zero row, NaN for one that is not finite. Squares of floats are exact in double precision and
  /// cannot overflow.
  float inverse_norm(const float* row) const {
    __m256d low = _mm256_setzero_pd();
    __m256d high = _mm256_setzero_pd();
    for (std::int64_t c = 0; c < args_.channels; c += 8) {
      const __m256 value = load_eight(row + c, args_.channels - c);
      const __m256d first = _mm256_cvtps_pd(_mm256_castps256_ps128(value));
      const __m256d second = _mm256_cvtps_pd(_mm256_extractf128_ps(value, 1));
      low = _mm256_fmadd_pd(first, first, low);
      high = _mm256_fmadd_pd(second, second, high);
    }
    const __m256d four = _mm256_add_pd(low, high);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    const double norm = __builtin_sqrt(_mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two))));
    if (!(norm <= __DBL_MAX__)) return __builtin_nanf("");
    return norm < kSmallestNorm ? 0.0f : static_cast<float>(1 / norm);
  }

  void run_eight(std::int64_t first, float* out) const {
    const float* rows[8];
    float factors[8];
    // Left-out places: whatever row, times NaN.
    for (int i = 0; i < 8; ++i) {
      const std::int32_t token = first + i < args_.count ? args_.chosen[first + i] : -1;
      rows[i] = token < 0 ? nullptr : args_.rows + token * args_.row_floats;
      factors[i] = token < 0 ? __builtin_nanf("") : inverse_norm(rows[i]);
    }
    for (std::int64_t c = 0; c < args_.channels; c += 8) {
      const std::int64_t left = args_.channels - c;
      __m256 values[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        // A zero row stays zero even where its values are so small that the product would not be.
        const bool empty = rows[i] == nullptr || factors[i] == 0;
        const __m256 value = empty ? _mm256_setzero_ps() : load_eight(rows[i] + c, left);
        values[i] = _mm256_mul_ps(value, _mm256_set1_ps(factors[i]));
      }
      transpose_eight(values);
      const std::int64_t count = left < 8 ? left : 8;
      for (std::int64_t k = 0; k < count; ++k) _mm256_storeu_ps(out + (c + k) * args_.group, values[k]);
    }
  }

  const UnitRowsArgs args_;  // a copy: stores cannot change it
};

}  // namespace
}  // namespace histojet::kernels
