#include "kernels/rms_norm/rms_norm.hpp"

namespace histojet::kernels {

const KernelTable<RmsNormArgs> kRmsNorm{
    .scalar = scalar::rms_norm, .avx2 = avx2::rms_norm, .avx512 = avx512::rms_norm, .avx512bf16 = avx512bf16::rms_norm};

}  // namespace histojet::kernels
