#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels {

const KernelTable<MaxPool2x2Args> kMaxPool2x2{.scalar = scalar::max_pool2x2, .avx2 = avx2::max_pool2x2};
const KernelTable<MaxPool2x2Bf16Args> kMaxPool2x2Bf16{.scalar = scalar::max_pool2x2_bf16,
                                                      .avx512bf16 = avx512bf16::max_pool2x2_bf16};

}  // namespace histojet::kernels
