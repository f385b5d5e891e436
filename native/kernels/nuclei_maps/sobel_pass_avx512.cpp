#include <immintrin.h>

#include "kernels/nuclei_maps/sobel_pass_vector.hpp"

namespace histojet::kernels::avx512 {
namespace {

struct Vector {
  using Register = __m512d;
  static constexpr int kLanes = 8;
  static Register load(const double* from) { return _mm512_loadu_pd(from); }
  static void store(double* to, Register a) { _mm512_storeu_pd(to, a); }
  static Register set(double value) { return _mm512_set1_pd(value); }
  static Register add(Register a, Register b) { return _mm512_add_pd(a, b); }
  static Register subtract(Register a, Register b) { return _mm512_sub_pd(a, b); }
  static Register multiply(Register a, Register b) { return _mm512_mul_pd(a, b); }
  static Register fma(Register a, Register b, Register c) { return _mm512_fmadd_pd(a, b, c); }
  /// c - a * b.
  static Register fnma(Register a, Register b, Register c) { return _mm512_fnmadd_pd(a, b, c); }
  static Register min(Register a, Register b) { return _mm512_maskz_min_pd(0xff, a, b); }
  static Register max(Register a, Register b) { return _mm512_maskz_max_pd(0xff, a, b); }
};

}  // namespace

void sobel_row(const SobelRowArgs& args) {
  row_with<Vector>(args);
}

void sobel_column(const SobelColumnArgs& args) {
  column_with<Vector>(args);
}

}  // namespace histojet::kernels::avx512
