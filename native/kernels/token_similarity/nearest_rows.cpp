#include "kernels/token_similarity/nearest_rows.hpp"

namespace histojet::kernels {

const KernelTable<NearestRowsArgs> kNearestRows{
    .scalar = scalar::nearest_rows, .avx2 = avx2::nearest_rows, .avx512 = avx512::nearest_rows};

}  // namespace histojet::kernels
