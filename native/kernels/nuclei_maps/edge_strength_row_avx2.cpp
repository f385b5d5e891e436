#include <immintrin.h>

#include "kernels/nuclei_maps/edge_strength_row_vector.hpp"

namespace histojet::kernels::avx2 {
namespace {

struct Vector {
  using Doubles = __m256d;
  using Floats = __m128;
  static constexpr std::int64_t kLanes = 4;
  static Doubles load(const double* from) { return _mm256_loadu_pd(from); }
  static Doubles set(double value) { return _mm256_set1_pd(value); }
  static Doubles add(Doubles a, Doubles b) { return _mm256_add_pd(a, b); }
  static Doubles multiply(Doubles a, Doubles b) { return _mm256_mul_pd(a, b); }
  static Floats narrow(Doubles a) { return _mm256_cvtpd_ps(a); }
  static Floats set(float value) { return _mm_set1_ps(value); }
  static void store(float* to, Floats a) { _mm_storeu_ps(to, a); }
  static Floats add(Floats a, Floats b) { return _mm_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm_mul_ps(a, b); }
  static Floats max(Floats a, Floats b) { return _mm_max_ps(a, b); }
  static Floats root(Floats a) { return _mm_sqrt_ps(a); }
};

}  // namespace

void edge_strength(const EdgeStrengthArgs& args) {
  edge_strength_with<Vector>(args);
}

}  // namespace histojet::kernels::avx2
