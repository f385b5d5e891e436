#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Bilinear enlargement by two, one output row; torch.nn.functional.interpolate(scale_factor=2, mode="bilinear",
/// align_corners=False). Output pixel 2x takes 1/4 of input pixel x - 1 and 3/4 of x, pixel 2x + 1 takes 3/4 of x and
/// 1/4 of x + 1, with the border pixel repeated. Rows mix the same way: `near` (3/4) is input row y, `far` (1/4) the
/// row above for output row 2y or below for 2y + 1, again clamped to the picture. Channels last, `channels` a multiple
/// of 16; `width` input pixels, 2 * width output pixels.
struct ResizeBilinear2xArgs {
  const float* near;
  const float* far;
  float* out;
  std::int64_t width;
  std::int64_t channels;
};

extern const KernelTable<ResizeBilinear2xArgs> kResizeBilinear2x;

namespace scalar {
void resize_bilinear2x(const ResizeBilinear2xArgs& args);
}
namespace avx2 {
void resize_bilinear2x(const ResizeBilinear2xArgs& args);
}

}  // namespace histojet::kernels
