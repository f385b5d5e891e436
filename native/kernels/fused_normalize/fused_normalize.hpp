#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// out[i] = scale * in[i] + shift with a single rounding (fused multiply-add), for `count` values. All variants give
/// the same bits. in and out may be the same.
struct FusedNormalizeArgs {
  const float* in;
  float* out;
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

}  // namespace histojet::kernels
