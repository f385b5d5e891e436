#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// One bit per value: bit i of out[w] says whether in[64 w + i] >= threshold (NaN is not); ceil(count / 64) words are
/// written, the bits beyond `count` are 0.
struct AtLeastArgs {
  const float* in;
  std::int64_t count;
  float threshold;
  std::uint64_t* out;
};

extern const KernelTable<AtLeastArgs> kAtLeast;

namespace scalar {
void at_least(const AtLeastArgs& args);
}
namespace avx2 {
void at_least(const AtLeastArgs& args);
}
namespace avx512 {
void at_least(const AtLeastArgs& args);
}

}  // namespace histojet::kernels
