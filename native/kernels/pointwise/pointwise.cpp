#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

const KernelTable<PointwiseArgs> kPointwise{
    .scalar = scalar::pointwise, .avx2 = avx2::pointwise, .avx512bf16 = avx512bf16::pointwise};

}  // namespace histojet::kernels
