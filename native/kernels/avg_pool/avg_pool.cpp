#include "kernels/avg_pool/avg_pool.hpp"

namespace histojet::kernels {

const KernelTable<AvgPoolArgs> kAvgPool{
    .scalar = scalar::avg_pool, .avx2 = avx2::avg_pool, .avx512 = avx512::avg_pool, .avx512bf16 = avx512bf16::avg_pool};

}  // namespace histojet::kernels
