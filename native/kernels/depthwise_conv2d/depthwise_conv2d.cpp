#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"

namespace histojet::kernels {

const KernelTable<DepthwiseConv2dArgs> kDepthwiseConv2d{.scalar = scalar::depthwise_conv2d,
                                                        .avx2 = avx2::depthwise_conv2d,
                                                        .avx512 = avx512::depthwise_conv2d,
                                                        .avx512bf16 = avx512bf16::depthwise_conv2d};

}  // namespace histojet::kernels
