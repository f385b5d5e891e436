#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// One row of a symmetric or antisymmetric filter:
/// out[x] = centre[x] * centre_tap + sum over k < radius of (left[k][x] + right[k][x]) * taps[k], or, without `centre`
/// (null), sum of (right[k][x] - left[k][x]) * taps[k]. Summed in this order; the variants differ in the last bit,
/// where a fused multiply-add rounds once.
struct SymmetricFilterArgs {
  const double* centre;
  const double* const* left;
  const double* const* right;
  const double* taps;
  double centre_tap;
  int radius;
  std::int64_t width;
  double* out;
  double* range;
};

extern const KernelTable<SymmetricFilterArgs> kSymmetricFilter;

namespace scalar {
void symmetric_filter(const SymmetricFilterArgs& args);
}
namespace avx2 {
void symmetric_filter(const SymmetricFilterArgs& args);
}
namespace avx512 {
void symmetric_filter(const SymmetricFilterArgs& args);
}

}  // namespace histojet::kernels
