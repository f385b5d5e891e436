#pragma once

#include <array>
#include <span>

#include "kernels/conv2d/conv2d_pack.hpp"

namespace histojet::kernels {

/// Transposed convolution 2 x 2 with stride 2 (torch.nn.ConvTranspose2d) as two products of the conv2d kernel: without
/// overlap, output rows 2y and 2y + 1 are 1 x 1 convolutions of input row y with twice the channels, whose columns are
/// the pixels 2x and 2x + 1 side by side. Element a of the result makes rows 2y + a; run it with an output pixel stride
/// of 2 * padded_channels(out_channels).
/// weight: [in_channels][out_channels][2][2]; bias: [out_channels].
std::array<PackedMatrix, 2> pack_conv_transpose2x2(std::span<const float> weight, std::span<const float> bias,
                                                   std::int64_t in_channels, std::int64_t panel_columns);

}  // namespace histojet::kernels
