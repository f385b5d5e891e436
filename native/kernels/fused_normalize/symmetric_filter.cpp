#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels {

const KernelTable<SymmetricFilterArgs> kSymmetricFilter{
    .scalar = scalar::symmetric_filter, .avx2 = avx2::symmetric_filter, .avx512 = avx512::symmetric_filter};

}  // namespace histojet::kernels
