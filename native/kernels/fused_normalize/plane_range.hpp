#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Smallest and largest of `count` >= 1 floats. `finite` becomes 0 when there is an infinity or a NaN (then low and
/// high mean nothing), else 1.
struct PlaneRangeArgs {
  const float* in;
  std::int64_t count;
  float* low;
  float* high;
  int* finite;
};

extern const KernelTable<PlaneRangeArgs> kPlaneRange;

namespace scalar {
void plane_range(const PlaneRangeArgs& args);
}
namespace avx2 {
void plane_range(const PlaneRangeArgs& args);
}

}  // namespace histojet::kernels
