#include "kernels/selective_scan/selective_scan.hpp"

namespace histojet::kernels {

const KernelTable<SelectiveScanArgs> kSelectiveScan{.scalar = scalar::selective_scan,
                                                    .avx2 = avx2::selective_scan,
                                                    .avx512 = avx512::selective_scan,
                                                    .amx = amx::selective_scan};

}  // namespace histojet::kernels
