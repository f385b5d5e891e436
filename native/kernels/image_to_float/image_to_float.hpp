#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// out[i] = in[i] / 255 for i in [0, count), correctly rounded: a row of interleaved bytes as network input.
struct ImageToFloatArgs {
  const std::uint8_t* in;
  float* out;
  std::int64_t count;
};

extern const KernelTable<ImageToFloatArgs> kImageToFloat;

namespace scalar {
void image_to_float(const ImageToFloatArgs& args);
}
namespace avx2 {
void image_to_float(const ImageToFloatArgs& args);
}

}  // namespace histojet::kernels
