#include "kernels/nuclei_maps/edge_strength_row.hpp"

namespace histojet::kernels {

const KernelTable<EdgeStrengthArgs> kEdgeStrength{
    .scalar = scalar::edge_strength, .avx2 = avx2::edge_strength, .avx512 = avx512::edge_strength};

}  // namespace histojet::kernels
