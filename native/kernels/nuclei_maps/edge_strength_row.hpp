#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Edge strength of `count` pixels from their two derivatives, all variants to the bit: s = 1 - f32(value * scale +
/// shift), computed in double with two roundings before the one to float; out = max(s_across, s_down) or
/// sqrt(s_across^2 + s_down^2) in float, 0 where that is not above 0.
struct EdgeStrengthArgs {
  const double* across;
  const double* down;
  std::int64_t count;
  float across_scale;
  float across_shift;
  float down_scale;
  float down_shift;
  bool maximum;
  float* out;
};

extern const KernelTable<EdgeStrengthArgs> kEdgeStrength;

namespace scalar {
void edge_strength(const EdgeStrengthArgs& args);
}
namespace avx2 {
void edge_strength(const EdgeStrengthArgs& args);
}
namespace avx512 {
void edge_strength(const EdgeStrengthArgs& args);
}

}  // namespace histojet::kernels
