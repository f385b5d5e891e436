#pragma once

#include <cstdint>

#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
// Vectors at the end of a row: only the first lanes are in memory, and nothing behind them is touched.
namespace {

#if defined(__AVX512F__)

/// The first `count` floats, zeros behind them.
inline Floats load_first(const float* from, std::int64_t count) {
  return _mm512_maskz_loadu_ps(first_lanes(count), from);
}
inline void store_first(float* to, std::int64_t count, Floats value) {
  _mm512_mask_storeu_ps(to, first_lanes(count), value);
}
/// Past the caches; `to` lies on a vector's boundary. `finish_streaming` makes such stores visible to other threads.
inline void stream(float* to, Floats value) {
  _mm512_stream_ps(to, value);
}
/// Whether any of the first `count` lanes is NaN.
inline bool any_nan(Floats value, std::int64_t count) {
  return (_mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q) & first_lanes(count)) != 0;
}

#else

inline Floats load_first(const float* from, std::int64_t count) {
  return _mm256_maskload_ps(from, _mm256_castps_si256(first_lanes(count)));
}
inline void store_first(float* to, std::int64_t count, Floats value) {
  _mm256_maskstore_ps(to, _mm256_castps_si256(first_lanes(count)), value);
}
inline void stream(float* to, Floats value) {
  _mm256_stream_ps(to, value);
}
inline bool any_nan(Floats value, std::int64_t count) {
  const Floats nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
  return _mm256_movemask_ps(_mm256_and_ps(nan, first_lanes(count))) != 0;
}

#endif

/// Whether `stream` may write there.
inline bool on_vector(const float* at) {
  return reinterpret_cast<std::uintptr_t>(at) % sizeof(Floats) == 0;
}
inline void finish_streaming() {
  _mm_sfence();
}

}  // namespace
}  // namespace histojet::kernels
