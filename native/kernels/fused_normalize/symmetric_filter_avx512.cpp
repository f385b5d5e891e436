#include <immintrin.h>

#include "kernels/fused_normalize/symmetric_filter_vector.hpp"

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
  static Register min(Register a, Register b) { return _mm512_min_pd(a, b); }
  static Register max(Register a, Register b) { return _mm512_max_pd(a, b); }
};

}  // namespace

void symmetric_filter(const SymmetricFilterArgs& args) {
  filter_with<Vector>(args);
}

}  // namespace histojet::kernels::avx512
