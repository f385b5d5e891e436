#include "kernels/image_to_float/image_to_float.hpp"

namespace histojet::kernels {

const KernelTable<ImageToFloatArgs> kImageToFloat{.scalar = scalar::image_to_float, .avx2 = avx2::image_to_float};

}  // namespace histojet::kernels
