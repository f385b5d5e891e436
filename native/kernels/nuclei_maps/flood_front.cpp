#include "kernels/nuclei_maps/flood_front.hpp"

namespace histojet::kernels {

const KernelTable<FloodFrontArgs> kFloodFront{
    .scalar = scalar::flood_front, .avx2 = avx2::flood_front, .avx512 = avx512::flood_front};

}  // namespace histojet::kernels
