#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels {

const KernelTable<Conv2dArgs> kConv2d{.scalar = scalar::conv2d, .avx2 = avx2::conv2d, .avx512 = avx512::conv2d};

std::int64_t conv2d_panel_columns(Isa isa) {
  return isa >= Isa::kAvx512 ? 32 : 16;
}

}  // namespace histojet::kernels
