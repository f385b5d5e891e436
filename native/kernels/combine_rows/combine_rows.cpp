#include "kernels/combine_rows/combine_rows.hpp"

namespace histojet::kernels {

const KernelTable<CombineRowsArgs> kCombineRows{
    .scalar = scalar::combine_rows, .avx2 = avx2::combine_rows, .avx512 = avx512::combine_rows};

}  // namespace histojet::kernels
