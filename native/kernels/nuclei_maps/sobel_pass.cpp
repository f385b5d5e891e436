#include "kernels/nuclei_maps/sobel_pass.hpp"

namespace histojet::kernels {

// The bfloat16 variant is AMD's; CPUs with tiles are Intel's.
const KernelTable<SobelRowArgs> kSobelRow{.scalar = scalar::sobel_row,
                                          .avx2 = avx2::sobel_row,
                                          .avx512 = avx512::sobel_row,
                                          .avx512bf16 = avx512bf16::sobel_row,
                                          .amx = avx512::sobel_row};

const KernelTable<SobelColumnArgs> kSobelColumn{
    .scalar = scalar::sobel_column, .avx2 = avx2::sobel_column, .avx512 = avx512::sobel_column};

}  // namespace histojet::kernels
