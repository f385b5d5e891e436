#include "kernels/fused_normalize/fused_normalize.hpp"

namespace histojet::kernels {

const KernelTable<FusedNormalizeArgs> kFusedNormalize{
    .scalar = scalar::fused_normalize, .avx2 = avx2::fused_normalize, .avx512 = avx512::fused_normalize};

}  // namespace histojet::kernels
