#include "kernels/conv_transpose2x2/conv_transpose2x2.hpp"

namespace histojet::kernels {

std::array<PackedMatrix, 2> pack_conv_transpose2x2(std::span<const float> weight, std::span<const float> bias,
                                                   std::int64_t in_channels, std::int64_t panel_columns) {
  const auto out_channels = static_cast<std::int64_t>(bias.size());
  const std::int64_t pixel = padded_channels(out_channels);
  const auto pack = [&](std::int64_t a) {
    const auto value = [&](std::int64_t k, std::int64_t column) {
      const std::int64_t b = column / pixel;
      const std::int64_t n = column % pixel;
      if (n >= out_channels) return 0.0f;
      return weight[static_cast<std::size_t>(((k * out_channels + n) * 2 + a) * 2 + b)];
    };
    const auto bias_value = [&](std::int64_t column) {
      const std::int64_t n = column % pixel;
      return n < out_channels ? bias[static_cast<std::size_t>(n)] : 0.0f;
    };
    return pack_matrix(in_channels, 2 * pixel, panel_columns, value, bias_value);
  };
  return {pack(0), pack(1)};
}

}  // namespace histojet::kernels
