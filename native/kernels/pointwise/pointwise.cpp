#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

const KernelTable<PointwiseArgs> kPointwise{
    .scalar = scalar::pointwise, .avx2 = avx2::pointwise, .amx = amx::pointwise};

}  // namespace histojet::kernels
