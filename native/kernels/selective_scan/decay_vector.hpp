#pragma once

#include "kernels/vector/math.hpp"

namespace histojet::kernels {
// The factor by which a state decays, to 2.2e-7. The error of a factor close to 1 adds up over as many steps as the
// state remembers. Hence the reduction to [-1/2, 1/2] and a polynomial that is fitted to 2^x - 1: what 1 - 2^x is off
// by, 4.7e-7 of it at most, is what a state under constant input ends off by, the rounding of the result aside.
namespace {

/// 2^x for x in [-1/2, 1/2].
inline Floats small_power(Floats x) {
  constexpr float kPowers[] = {1.0f, 0.6931471f, 0.24022351f, 0.055505004f, 0.009666245f, 0.0013333539f};
  return polynomial(x, kPowers);
}

#if defined(__AVX512F__)

/// 2^t; 0 below -150, infinity above 128, NaN stays.
inline Floats decay(Floats t) {
  // What is left after rounding to the nearest; 0 for the infinite. The difference is that whole number, exactly.
  const Floats rest = _mm512_maskz_reduce_ps(0xffff, t, _MM_FROUND_TO_NEAREST_INT);
  return _mm512_maskz_scalef_ps(0xffff, small_power(rest), t - rest);
}

#else

/// 2^t; denormal or 0 below -126, exactly 0 below -127, infinity above 128, NaN stays.
inline Floats decay(Floats t) {
  // Adding it rounds to the nearest whole number, which is then in the lowest bits.
  const Floats magic = all(12582912.0f);
  // At either end the polynomial is exactly 1, so that the exponent alone says 0 or infinity.
  t = min(all(128.0f), max(all(-127.0f), t));
  const Floats shifted = t + magic;
  const Floats power = small_power(t - (shifted - magic));
  const Ints exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(power), exponent));
}

#endif

constexpr float kLog2E = 1.44269504088896341f;

/// e^x, to 3e-7 for x from -80 to 80.
inline Floats natural_power(Floats x) {
  const Floats t = x * all(kLog2E);
  // What rounding took from the product, and what the constant is short of.
  const Floats lost = fma(x, all(kLog2E), all(0.0f) - t) + x * all(1.9259629911e-8f);
  const Floats power = decay(t);
  return fma(power, lost * all(0.69314718056f), power);
}

/// log(1 + x) / x for x in [0, 1], to 3e-7: cheaper than a quotient and its series.
inline Floats log_of_one_plus_over(Floats x) {
  constexpr float kPowers[] = {0.9999998f,  -0.49997404f, 0.3327548f,  -0.24495457f,
                               0.17745225f, -0.10768148f, 0.04408946f, -0.008539159f};
  return polynomial(x, kPowers);
}

/// log(1 + e^x), to 6e-7.
inline Floats fast_softplus(Floats x) {
  const Floats power = natural_power(all(0.0f) - absolute(x));
  return fma(power, log_of_one_plus_over(power), max(all(0.0f), x));
}

/// x / (1 + e^-x), to 1e-6 of |x| at most.
inline Floats gate(Floats x) {
  // Beyond 1e18 the quotient is as good as 0, and `reciprocal` must not see more.
  const Floats divisor = min(all(1e18f), all(1.0f) + decay(x * all(-kLog2E)));
  return x * reciprocal(divisor);
}

}  // namespace
}  // namespace histojet::kernels
