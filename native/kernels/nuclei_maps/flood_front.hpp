#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// The markers' pixels that can spread: bit i of out[w] says whether labels[64 w + i] is above 0 and one of its four
/// neighbours is 0; ceil(count / 64) words are written, the bits beyond `count` are 0. `labels` has `stride` more
/// values on either side.
struct FloodFrontArgs {
  const std::int32_t* labels;
  std::int64_t stride;
  std::int64_t count;
  std::uint64_t* out;
};

extern const KernelTable<FloodFrontArgs> kFloodFront;

namespace scalar {
void flood_front(const FloodFrontArgs& args);
}
namespace avx2 {
void flood_front(const FloodFrontArgs& args);
}
namespace avx512 {
void flood_front(const FloodFrontArgs& args);
}

}  // namespace histojet::kernels
