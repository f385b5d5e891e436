#include "kernels/add_rows/add_rows.hpp"

namespace histojet::kernels {

const KernelTable<AddRowArgs> kAddRow{.scalar = scalar::add_row, .avx2 = avx2::add_row, .avx512 = avx512::add_row};
const KernelTable<MultiplyRowArgs> kMultiplyRow{
    .scalar = scalar::multiply_row, .avx2 = avx2::multiply_row, .avx512 = avx512::multiply_row};

}  // namespace histojet::kernels
