#include "kernels/nuclei_maps/at_least.hpp"

namespace histojet::kernels {

const KernelTable<AtLeastArgs> kAtLeast{.scalar = scalar::at_least, .avx2 = avx2::at_least, .avx512 = avx512::at_least};

}  // namespace histojet::kernels
