#pragma once

#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels {
// One body for every instruction set. Unnamed, so that each file that includes it keeps a copy of its own: a shared one
// could end up with the widest instructions for the whole program.
namespace {

/// `V`: `Register` of `kLanes` doubles with load, store, set, add, subtract, multiply, fma, min and max.
template <class V, bool kSymmetric>
typename V::Register both_sides(const double* left, const double* right) {
  const typename V::Register a = V::load(left), b = V::load(right);
  return kSymmetric ? V::add(a, b) : V::subtract(b, a);
}

template <class V, bool kSymmetric>
void filter(const SymmetricFilterArgs& args) {
  using Register = typename V::Register;
  constexpr int kLanes = V::kLanes;
  const Register centre_tap = V::set(args.centre_tap);
  Register low = V::set(__builtin_inf()), high = V::set(-__builtin_inf());
  std::int64_t x = 0;
  // Four vectors at once hide the latency of the sums.
  for (; x + 4 * kLanes <= args.width; x += 4 * kLanes) {
    Register sums[4];
    for (int i = 0; i < 4; ++i) {
      sums[i] = kSymmetric ? V::multiply(V::load(args.centre + x + kLanes * i), centre_tap) : V::set(0);
    }
    for (int k = 0; k < args.radius; ++k) {
      const Register tap = V::set(args.taps[k]);
      const double *left = args.left[k] + x, *right = args.right[k] + x;
      for (int i = 0; i < 4; ++i) {
        sums[i] = V::fma(both_sides<V, kSymmetric>(left + kLanes * i, right + kLanes * i), tap, sums[i]);
      }
    }
    for (int i = 0; i < 4; ++i) {
      V::store(args.out + x + kLanes * i, sums[i]);
      low = V::min(sums[i], low);
      high = V::max(sums[i], high);
    }
  }
  double lows[kLanes], highs[kLanes];
  V::store(lows, low);
  V::store(highs, high);
  for (; x < args.width; ++x) {
    double sum = kSymmetric ? args.centre[x] * args.centre_tap : 0;
    for (int k = 0; k < args.radius; ++k) {
      const double left = args.left[k][x], right = args.right[k][x];
      sum = __builtin_fma(kSymmetric ? left + right : right - left, args.taps[k], sum);
    }
    args.out[x] = sum;
    lows[0] = sum < lows[0] ? sum : lows[0];
    highs[0] = sum > highs[0] ? sum : highs[0];
  }
  if (args.range == nullptr) return;
  for (int i = 0; i < kLanes; ++i) {
    args.range[0] = lows[i] < args.range[0] ? lows[i] : args.range[0];
    args.range[1] = highs[i] > args.range[1] ? highs[i] : args.range[1];
  }
}

template <class V>
void filter_with(const SymmetricFilterArgs& args) {
  args.centre != nullptr ? filter<V, true>(args) : filter<V, false>(args);
}

}  // namespace
}  // namespace histojet::kernels
