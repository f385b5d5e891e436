#include "kernels/causal_conv1d/causal_conv1d.hpp"

namespace histojet::kernels {

const KernelTable<CausalConv1dArgs> kCausalConv1d{.scalar = scalar::causal_conv1d,
                                                  .avx2 = avx2::causal_conv1d,
                                                  .avx512 = avx512::causal_conv1d,
                                                  .avx512bf16 = avx512bf16::causal_conv1d};

}  // namespace histojet::kernels
