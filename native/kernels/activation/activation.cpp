#include "kernels/activation/activation.hpp"

namespace histojet::kernels {

const KernelTable<ActivationArgs> kActivation{
    .scalar = scalar::activation, .avx2 = avx2::activation, .avx512 = avx512::activation, .amx = amx::activation};

}  // namespace histojet::kernels
