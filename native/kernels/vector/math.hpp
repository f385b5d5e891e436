#pragma once

#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
// Functions of every lane. The polynomials are least-maximum fits of the relative error; the bounds are relative
// to double precision, for results of at least 1e-36, and checked by activation_test.cpp.
namespace {

/// c[0] + c[1] x + … (Horner).
template <int N>
inline Floats polynomial(Floats x, const float (&c)[N]) {
  Floats sum = all(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, all(c[i]));
  return sum;
}

/// e^x to 2e-7; infinity above 88.8, denormal below -87.4, 0 below -104; NaN stays.
inline Floats exponential(Floats x) {
  constexpr float kTaylor[] = {1.0f,
                               1.0f,
                               0.49999991059303284f,
                               0.16666419804096222f,
                               0.04166822507977486f,
                               0.008374815806746483f,
                               0.0013836842262437113f};
  x = min(all(130.0f), max(all(-150.0f), x));
  const Floats n = round(x * all(1.44269504088896341f));
  // ln 2 in two parts; n times the first one is exact.
  const Floats rest = fma(n, all(-0.693359375f), x);
  return scale(polynomial(fma(n, all(2.12194440e-4f), rest), kTaylor), n);
}

/// log(1 + x) for x in [0, 1], to 3e-7.
inline Floats log_of_one_plus(Floats x) {
  // 2 atanh(x / (2 + x))
  constexpr float kAtanh[] = {1.0f, 0.3333334f, 0.19999346f, 0.14310361f, 0.106966265f, 0.1220653f};
  const Floats s = x * reciprocal(all(2.0f) + x);
  return all(2.0f) * s * polynomial(s * s, kAtanh);
}

/// 1 / (1 + e^-x) to 5e-7.
inline Floats sigmoid(Floats x) {
  return all(1.0f) / (all(1.0f) + exponential(all(0.0f) - x));
}

/// x / (1 + e^-x) to 5e-7.
inline Floats silu(Floats x) {
  return x / (all(1.0f) + exponential(all(0.0f) - x));
}

/// log(1 + e^x) to 5e-7.
inline Floats softplus(Floats x) {
  const Floats positive = max(all(0.0f), x);
  return positive + log_of_one_plus(exponential(all(0.0f) - absolute(x)));
}

/// x Phi(x), with the distribution function of the normal distribution, to 1e-6.
inline Floats gelu_erf(Floats x) {
  // Phi(-|x|) e^(x²/2) (|x| + 3.5) as a polynomial of s = (|x| - 3.5) / (|x| + 3.5)
  constexpr float kTail[] = {0.7444160580635071f,     -0.5655617713928223f,    0.31542500853538513f,
                             -0.11605289578437805f,   0.01740691065788269f,    0.00649240892380476f,
                             -0.0031777978874742985f, -0.0004946537083014846f, 0.0004256608954165131f,
                             0.00011273703421466053f};
  const Floats size = min(all(14.0f), absolute(x));
  const Floats u = reciprocal(size + all(3.5f));
  const Floats s = fma(all(-7.0f), u, all(1.0f));
  // The rounding of the square would cost digits of its exponential; `lost` is what the rounding took.
  const Floats square = size * size;
  const Floats lost = fma(size, size, all(0.0f) - square);
  const Floats bell = exponential(all(-0.5f) * square);
  const Floats tail = polynomial(s, kTail) * u * fma(bell, all(-0.5f) * lost, bell);
  return x * select(less(x, all(0.0f)), tail, all(1.0f) - tail);
}

/// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) to 2e-6 + 1.2e-7 |exponent|, where the exponent is that of the
/// result's tail (below 20 for x above -5.5).
inline Floats gelu_tanh(Floats x) {
  const Floats factor = fma(x * x, all(-1.5957691216057308f * 0.044715f), all(-1.5957691216057308f));
  return x / (all(1.0f) + exponential(factor * x));
}

}  // namespace
}  // namespace histojet::kernels
