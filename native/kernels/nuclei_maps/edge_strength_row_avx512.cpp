#include <immintrin.h>

#include "kernels/nuclei_maps/edge_strength_row_vector.hpp"

namespace histojet::kernels::avx512 {
namespace {

struct Vector {
  using Doubles = __m512d;
  using Floats = __m256;
  static constexpr std::int64_t kLanes = 8;
  static Doubles load(const double* from) { return _mm512_loadu_pd(from); }
  static Doubles set(double value) { return _mm512_set1_pd(value); }
  static Doubles add(Doubles a, Doubles b) { return _mm512_add_pd(a, b); }
  static Doubles multiply(Doubles a, Doubles b) { return _mm512_mul_pd(a, b); }
  static Floats narrow(Doubles a) { return _mm512_cvtpd_ps(a); }
  static Floats set(float value) { return _mm256_set1_ps(value); }
  static void store(float* to, Floats a) { _mm256_storeu_ps(to, a); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats root(Floats a) { return _mm256_sqrt_ps(a); }
};

}  // namespace

void edge_strength(const EdgeStrengthArgs& args) {
  edge_strength_with<Vector>(args);
}

}  // namespace histojet::kernels::avx512
