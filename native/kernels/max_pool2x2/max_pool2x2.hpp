#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Maximum over 2 x 2 pixels with stride 2, one output row: out[x][c] = max of in{0,1}[2x, 2x + 1][c]. A NaN may or may
/// not survive. Channels last, `channels` a multiple of 16, pixels side by side; `width` output pixels.
struct MaxPool2x2Args {
  const float* row0;
  const float* row1;
  float* out;
  std::int64_t width;
  std::int64_t channels;
};

extern const KernelTable<MaxPool2x2Args> kMaxPool2x2;

namespace scalar {
void max_pool2x2(const MaxPool2x2Args& args);
}
namespace avx2 {
void max_pool2x2(const MaxPool2x2Args& args);
}

}  // namespace histojet::kernels
