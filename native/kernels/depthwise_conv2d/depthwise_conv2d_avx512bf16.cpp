// For CPUs whose vector units convert bfloat16.
#include "kernels/depthwise_conv2d/depthwise_conv2d_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void depthwise_conv2d(const DepthwiseConv2dArgs& args) {
  convolve_depthwise(args);
}

}  // namespace histojet::kernels::avx512bf16
