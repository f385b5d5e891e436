#include "kernels/transpose_tile/transpose_tile.hpp"

namespace histojet::kernels {

const KernelTable<TransposeTileArgs> kTransposeTile{
    .scalar = scalar::transpose_tile, .avx2 = avx2::transpose_tile, .avx512 = avx512::transpose_tile};

}  // namespace histojet::kernels
