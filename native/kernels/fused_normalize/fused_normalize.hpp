#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// out[i] = scale * in[i] + shift rounded once to float (fused multiply-add) and then widened to double, because its
/// users filter in double; `count` values. All variants give the same bits.
struct FusedNormalizeArgs {
  const float* in;
  double* out;
  std::int64_t count;
  float scale;
  float shift;
};

extern const KernelTable<FusedNormalizeArgs> kFusedNormalize;

namespace scalar {
void fused_normalize(const FusedNormalizeArgs& args);
}
namespace avx2 {
void fused_normalize(const FusedNormalizeArgs& args);
}
namespace avx512 {
void fused_normalize(const FusedNormalizeArgs& args);
}

}  // namespace histojet::kernels
