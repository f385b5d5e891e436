#include <immintrin.h>

#include "kernels/nuclei_maps/sobel_pass_vector.hpp"

namespace histojet::kernels::avx2 {
namespace {

struct Vector {
  using Register = __m256d;
  static constexpr int kLanes = 4;
  static Register load(const double* from) { return _mm256_loadu_pd(from); }
  static void store(double* to, Register a) { _mm256_storeu_pd(to, a); }
  static Register set(double value) { return _mm256_set1_pd(value); }
  static Register add(Register a, Register b) { return _mm256_add_pd(a, b); }
  static Register subtract(Register a, Register b) { return _mm256_sub_pd(a, b); }
  static Register multiply(Register a, Register b) { return _mm256_mul_pd(a, b); }
  static Register fma(Register a, Register b, Register c) { return _mm256_fmadd_pd(a, b, c); }
  /// c - a * b.
  static Register fnma(Register a, Register b, Register c) { return _mm256_fnmadd_pd(a, b, c); }
  static Register min(Register a, Register b) { return _mm256_min_pd(a, b); }
  static Register max(Register a, Register b) { return _mm256_max_pd(a, b); }
};

}  // namespace

void sobel_row(const SobelRowArgs& args) {
  row_with<Vector>(args);
}

void sobel_column(const SobelColumnArgs& args) {
  column_with<Vector>(args);
}

}  // namespace histojet::kernels::avx2
