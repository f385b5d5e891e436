#include "kernels/convert_row/convert_row.hpp"

namespace histojet::kernels {

const KernelTable<WidenRowArgs> kWidenRow{.scalar = scalar::widen_row, .avx512bf16 = avx512bf16::widen_row};
const KernelTable<NarrowRowArgs> kNarrowRow{.scalar = scalar::narrow_row, .avx512bf16 = avx512bf16::narrow_row};
const KernelTable<ImageToBfloat16Args> kImageToBfloat16{.scalar = scalar::image_to_bfloat16,
                                                        .avx512bf16 = avx512bf16::image_to_bfloat16};

}  // namespace histojet::kernels
