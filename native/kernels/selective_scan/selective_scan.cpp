#include "kernels/selective_scan/selective_scan.hpp"

namespace histojet::kernels {

const KernelTable<SelectiveScanArgs> kSelectiveScan{.scalar = scalar::selective_scan,
                                                    .avx2 = avx2::selective_scan,
                                                    .avx512 = avx512::selective_scan,
                                                    .avx512bf16 = avx512bf16::selective_scan};

}  // namespace histojet::kernels
