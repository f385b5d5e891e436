#include "kernels/token_similarity/unit_rows.hpp"

namespace histojet::kernels {

const KernelTable<UnitRowsArgs> kUnitRows{
    .scalar = scalar::unit_rows, .avx2 = avx2::unit_rows, .avx512 = avx512::unit_rows};

}  // namespace histojet::kernels
