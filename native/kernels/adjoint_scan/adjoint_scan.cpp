#include "kernels/adjoint_scan/adjoint_scan.hpp"

namespace histojet::kernels {

const KernelTable<AdjointScanArgs> kAdjointScan{.scalar = scalar::adjoint_scan,
                                                .avx2 = avx2::adjoint_scan,
                                                .avx512 = avx512::adjoint_scan,
                                                .avx512bf16 = avx512bf16::adjoint_scan};

}  // namespace histojet::kernels
