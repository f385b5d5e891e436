#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/storage.hpp"

namespace histojet::kernels {
// One name for the widest vector of floats that a variant file may use, so that kernels are written once for AVX2 and
// AVX-512. Unnamed, so that each file that includes it keeps a copy of its own: a shared one could end up with the
// widest instructions for the whole program.
namespace {

inline float sum_of_eight(__m256 value) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float max_of_eight(__m256 value) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#if defined(__AVX512F__)

// The plain forms of some instructions make GCC 12 warn about its own header; with a constant mask the same ones
// result.
using Floats = __m512;
using Ints = __m512i;
using Mask = __mmask16;
constexpr std::int64_t kLanes = 16;

inline Floats all(float value) {
  return _mm512_set1_ps(value);
}
inline Floats load(const float* from) {
  return _mm512_loadu_ps(from);
}
inline void store(float* to, Floats value) {
  _mm512_storeu_ps(to, value);
}
inline Floats fma(Floats a, Floats b, Floats c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// The larger of two; the second one where either is NaN.
inline Floats max(Floats a, Floats b) {
  return _mm512_maskz_max_ps(0xffff, a, b);
}
inline Floats min(Floats a, Floats b) {
  return _mm512_maskz_min_ps(0xffff, a, b);
}
inline Mask less(Floats a, Floats b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
/// The first `count` lanes.
inline Mask first_lanes(std::int64_t count) {
  return static_cast<Mask>(count >= kLanes ? 0xffffU : (1U << count) - 1);
}
/// `a` where the mask is set.
inline Floats select(Mask mask, Floats a, Floats b) {
  return _mm512_mask_blend_ps(mask, b, a);
}
inline Floats round(Floats value) {
  return _mm512_maskz_roundscale_ps(0xffff, value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// value * 2^exponent for whole exponents, whatever the size.
inline Floats scale(Floats value, Floats exponent) {
  return _mm512_maskz_scalef_ps(0xffff, value, exponent);
}
inline Floats absolute(Floats value) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(value), _mm512_set1_epi32(0x7fffffff)));
}
/// Correctly rounded, as for a single value.
inline Floats square_root(Floats value) {
  return _mm512_maskz_sqrt_ps(0xffff, value);
}
/// 1 / value to 1.2e-7, for values between 1e-18 and 1e18; four times as fast as the division.
inline Floats reciprocal(Floats value) {
  const Floats guess = _mm512_maskz_rcp14_ps(0xffff, value);
  const Floats error = _mm512_fnmadd_ps(value, guess, all(1.0f));
  return _mm512_fmadd_ps(guess, error, guess);
}

inline __m256 upper_half(Floats value) {
  return _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, _mm512_castps_pd(value), 1));
}
inline float sum_of_lanes(Floats value) {
  return sum_of_eight(_mm256_add_ps(_mm512_castps512_ps256(value), upper_half(value)));
}
inline float max_of_lanes(Floats value) {
  return max_of_eight(_mm256_max_ps(_mm512_castps512_ps256(value), upper_half(value)));
}
inline float first_lane(Floats value) {
  return _mm512_cvtss_f32(value);
}

inline Floats load_words(const std::byte* from) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, words), 16));
}
/// Rounds to bfloat16, stores, and returns the rounded values.
inline Floats store_words(std::byte* to, Floats value) {
#if defined(__AVX512BF16__)
  const auto words = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value));
#else
  const Ints bits = _mm512_castps_si512(value);
  const Ints odd = _mm512_and_si512(_mm512_maskz_srli_epi32(0xffff, bits, 16), _mm512_set1_epi32(1));
  const Ints sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const Mask nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  const Ints whole = _mm512_mask_or_epi32(sum, nan, bits, _mm512_set1_epi32(0x400000));
  const __m256i words = _mm512_maskz_cvtepi32_epi16(0xffff, _mm512_maskz_srli_epi32(0xffff, whole, 16));
#endif
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, words), 16));
}

#else

using Floats = __m256;
using Ints = __m256i;
using Mask = __m256;
constexpr std::int64_t kLanes = 8;

inline Floats all(float value) {
  return _mm256_set1_ps(value);
}
inline Floats load(const float* from) {
  return _mm256_loadu_ps(from);
}
inline void store(float* to, Floats value) {
  _mm256_storeu_ps(to, value);
}
inline Floats fma(Floats a, Floats b, Floats c) {
  return _mm256_fmadd_ps(a, b, c);
}
/// The larger of two; the second one where either is NaN.
inline Floats max(Floats a, Floats b) {
  return _mm256_max_ps(a, b);
}
inline Floats min(Floats a, Floats b) {
  return _mm256_min_ps(a, b);
}
inline Mask less(Floats a, Floats b) {
  return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}
/// The first `count` lanes.
inline Mask first_lanes(std::int64_t count) {
  const Ints lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int limit = static_cast<int>(count > kLanes ? kLanes : count);
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(limit), lane));
}
/// `a` where the mask is set.
inline Floats select(Mask mask, Floats a, Floats b) {
  return _mm256_blendv_ps(b, a, mask);
}
inline Floats round(Floats value) {
  return _mm256_round_ps(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// value * 2^exponent for whole exponents between -250 and 250.
inline Floats scale(Floats value, Floats exponent) {
  // In two factors, either of which is a normal number.
  const Ints whole = _mm256_cvtps_epi32(exponent);
  const Ints first = _mm256_srai_epi32(whole, 1);
  const Ints second = _mm256_sub_epi32(whole, first);
  const Ints bias = _mm256_set1_epi32(127);
  const Floats first_factor = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(first, bias), 23));
  const Floats second_factor = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(second, bias), 23));
  return value * first_factor * second_factor;
}
inline Floats absolute(Floats value) {
  return _mm256_and_ps(value, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)));
}
inline Floats square_root(Floats value) {
  return _mm256_sqrt_ps(value);
}
/// 1 / value.
inline Floats reciprocal(Floats value) {
  return all(1.0f) / value;
}

inline float sum_of_lanes(Floats value) {
  return sum_of_eight(value);
}
inline float max_of_lanes(Floats value) {
  return max_of_eight(value);
}
inline float first_lane(Floats value) {
  return _mm256_cvtss_f32(value);
}

inline Floats load_words(const std::byte* from) {
  const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
}
/// Rounds to bfloat16, stores, and returns the rounded values.
inline Floats store_words(std::byte* to, Floats value) {
  const Ints bits = _mm256_castps_si256(value);
  const Ints odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const Ints sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const Ints quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const Floats nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
  const Floats whole = _mm256_blendv_ps(_mm256_castsi256_ps(sum), _mm256_castsi256_ps(quiet), nan);
  const Ints upper = _mm256_srli_epi32(_mm256_castps_si256(whole), 16);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), words);
  return _mm256_castsi256_ps(_mm256_slli_epi32(upper, 16));
}

#endif

/// `kLanes` values of a row from element `index` on; `plane_bytes` from the row to its low plane.
template <Storage S>
inline Floats load(const std::byte* row, std::int64_t plane_bytes, std::int64_t index) {
  const std::byte* from = row + index * element_bytes(S);
  if constexpr (S == Storage::kFloat32) {
    return load(reinterpret_cast<const float*>(from));
  } else {
    const Floats high = load_words(from);
    if constexpr (S == Storage::kBfloat16) return high;
    return high + load_words(from + plane_bytes);
  }
}
inline Floats load(Storage storage, const std::byte* row, std::int64_t plane_bytes, std::int64_t index) {
  if (storage == Storage::kFloat32) return load<Storage::kFloat32>(row, plane_bytes, index);
  if (storage == Storage::kBfloat16) return load<Storage::kBfloat16>(row, plane_bytes, index);
  return load<Storage::kSplit>(row, plane_bytes, index);
}

template <Storage S>
inline void store(std::byte* row, std::int64_t plane_bytes, std::int64_t index, Floats value) {
  std::byte* to = row + index * element_bytes(S);
  if constexpr (S == Storage::kFloat32) {
    store(reinterpret_cast<float*>(to), value);
  } else {
    const Floats high = store_words(to, value);
    if constexpr (S == Storage::kSplit) store_words(to + plane_bytes, value - high);
  }
}
inline void store(Storage storage, std::byte* row, std::int64_t plane_bytes, std::int64_t index, Floats value) {
  if (storage == Storage::kFloat32) return store<Storage::kFloat32>(row, plane_bytes, index, value);
  if (storage == Storage::kBfloat16) return store<Storage::kBfloat16>(row, plane_bytes, index, value);
  store<Storage::kSplit>(row, plane_bytes, index, value);
}

}  // namespace
}  // namespace histojet::kernels
