#include "kernels/activation/activation.hpp"

namespace histojet::kernels {

const KernelTable<ActivationArgs> kActivation{.scalar = scalar::activation,
                                              .avx2 = avx2::activation,
                                              .avx512 = avx512::activation,
                                              .avx512bf16 = avx512bf16::activation};

}  // namespace histojet::kernels
