#include "kernels/scan_2d/scan_2d.hpp"

namespace histojet::kernels {

const KernelTable<Scan2dArgs> kScan2d{.scalar = scalar::scan_2d, .avx2 = avx2::scan_2d, .avx512 = avx512::scan_2d};

}  // namespace histojet::kernels
