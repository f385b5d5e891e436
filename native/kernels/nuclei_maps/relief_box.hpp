#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// The relief of a box: out = -G(1 - strength), where G has the taps (1/4, 1/2, 1/4), rows before columns, each pass as
/// (left + right) / 4 + centre / 2. Computed in double or in float (`in_double`), stored as double. `strength` points
/// to the first pixel of the box and has one more row and column on every side. All variants give the same bits: the
/// products are exact.
struct ReliefArgs {
  const float* strength;
  std::int64_t stride;
  std::int64_t rows;
  std::int64_t columns;
  bool in_double;
  double* out;
  std::int64_t out_stride;
};

extern const KernelTable<ReliefArgs> kRelief;

namespace scalar {
void relief_box(const ReliefArgs& args);
}
namespace avx2 {
void relief_box(const ReliefArgs& args);
}
namespace avx512 {
void relief_box(const ReliefArgs& args);
}

}  // namespace histojet::kernels
