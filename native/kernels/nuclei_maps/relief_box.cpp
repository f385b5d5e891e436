#include "kernels/nuclei_maps/relief_box.hpp"

namespace histojet::kernels {

const KernelTable<ReliefArgs> kRelief{
    .scalar = scalar::relief_box, .avx2 = avx2::relief_box, .avx512 = avx512::relief_box};

}  // namespace histojet::kernels
