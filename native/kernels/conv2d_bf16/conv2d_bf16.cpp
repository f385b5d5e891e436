#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

namespace histojet::kernels {

const KernelTable<Conv2dBf16Args> kConv2dBf16{
    .scalar = scalar::conv2d_bf16, .avx512bf16 = avx512bf16::conv2d_bf16, .amx = amx::conv2d_bf16};

}  // namespace histojet::kernels
