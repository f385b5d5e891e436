#include "kernels/convert_row/convert_row.hpp"

namespace histojet::kernels {

const KernelTable<WidenRowArgs> kWidenRow{.scalar = scalar::widen_row, .amx = amx::widen_row};
const KernelTable<NarrowRowArgs> kNarrowRow{.scalar = scalar::narrow_row, .amx = amx::narrow_row};
const KernelTable<ImageToBfloat16Args> kImageToBfloat16{.scalar = scalar::image_to_bfloat16,
                                                        .amx = amx::image_to_bfloat16};

}  // namespace histojet::kernels
