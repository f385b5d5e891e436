#include "kernels/nuclei_maps/packed_pixels.hpp"

namespace histojet::kernels {

const KernelTable<PackPixelsArgs> kPackPixels{.scalar = scalar::pack_pixels, .avx512 = avx512::pack_pixels};
const KernelTable<UnpackPixelsArgs> kUnpackPixels{.scalar = scalar::unpack_pixels, .avx512 = avx512::unpack_pixels};
const KernelTable<PackedStartsArgs> kPackedStarts{.scalar = scalar::packed_starts, .avx512 = avx512::packed_starts};

}  // namespace histojet::kernels
