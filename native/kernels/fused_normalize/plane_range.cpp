#include "kernels/fused_normalize/plane_range.hpp"

namespace histojet::kernels {

const KernelTable<PlaneRangeArgs> kPlaneRange{.scalar = scalar::plane_range, .avx2 = avx2::plane_range};

}  // namespace histojet::kernels
