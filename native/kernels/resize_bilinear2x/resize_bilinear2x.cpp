#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

namespace histojet::kernels {

const KernelTable<ResizeBilinear2xArgs> kResizeBilinear2x{.scalar = scalar::resize_bilinear2x,
                                                          .avx2 = avx2::resize_bilinear2x};

}  // namespace histojet::kernels
