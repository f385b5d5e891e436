#include "kernels/ssd_scan/ssd_scan.hpp"

namespace histojet::kernels {

const KernelTable<SsdScanArgs> kSsdScan{.scalar = scalar::ssd_scan, .avx2 = avx2::ssd_scan, .avx512 = avx512::ssd_scan};

}  // namespace histojet::kernels
