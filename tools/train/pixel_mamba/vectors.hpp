#pragma once

#include <cstdint>
#include <cstring>

// Vectors of 16 floats by the compiler's vector extension (AVX-512, or two AVX2 registers), for the training tools.

constexpr int kLanes = 16;
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t Integers __attribute__((vector_size(kLanes * sizeof(float))));

/// The first `lanes` values, 0 beyond.
inline Vector load(const float* from, int lanes) {
  Vector v = {};
  if (lanes == kLanes)
    std::memcpy(&v, from, sizeof v);
  else
    std::memcpy(&v, from, sizeof(float) * static_cast<std::size_t>(lanes));
  return v;
}

inline void store(float* to, const Vector& v, int lanes) {
  if (lanes == kLanes)
    std::memcpy(to, &v, sizeof v);
  else
    std::memcpy(to, &v, sizeof(float) * static_cast<std::size_t>(lanes));
}

inline float sum(const Vector& v) {
  const auto eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto four =
      __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// 2^x for x <= 0; 0 or nearly so below -125.
inline Vector exp2_of(Vector x) {
  x = x < -125.0f ? Vector{} - 125.0f : x;
  const Integers whole = __builtin_convertvector(x - 0.5f, Integers);
  const Vector f = x - __builtin_convertvector(whole, Vector);
  Vector p = f * 1.5403530394e-4f + 1.3333558146e-3f;
  p = p * f + 9.6181291076e-3f;
  p = p * f + 5.5504108665e-2f;
  p = p * f + 2.4022650696e-1f;
  p = p * f + 6.9314718056e-1f;
  p = p * f + 1.0f;
  const Integers bits = (Integers)p + (whole << 23);
  return (Vector)bits;
}

inline Vector sigmoid(const Vector& x) {
  constexpr float kLog2E = 1.4426950408889634f;
  const Vector e = exp2_of((x < 0.0f ? x : -x) * kLog2E);
  return (x < 0.0f ? e : Vector{} + 1.0f) / (1.0f + e);
}
