#include "kernels/conv2d/conv2d_pack.hpp"

namespace histojet::kernels {

std::vector<KStep> conv2d_steps(std::span<const ConvInput> inputs, std::int64_t kernel) {
  std::vector<KStep> steps;
  std::int64_t row = 0;
  for (const ConvInput& input : inputs) {
    const bool contiguous = input.channels == input.pixel_stride;
    const std::int64_t taps_per_step = contiguous ? kernel : 1;
    for (std::int64_t dy = 0; dy < kernel; ++dy, ++row) {
      for (std::int64_t dx = 0; dx < kernel; dx += taps_per_step) {
        steps.push_back({static_cast<std::int32_t>(row),
                         static_cast<std::int32_t>(dx * input.pixel_stride + input.first_channel),
                         static_cast<std::int32_t>(taps_per_step * input.channels),
                         static_cast<std::int32_t>(input.stride * input.pixel_stride)});
      }
    }
  }
  return steps;
}

PackedMatrix pack_conv2d(std::span<const float> weight, std::span<const float> bias,
                         std::span<const std::int64_t> input_channels, std::int64_t kernel,
                         std::int64_t panel_columns) {
  const std::int64_t taps = kernel * kernel;
  std::int64_t channels = 0;
  for (const std::int64_t count : input_channels) channels += count;
  std::vector<std::int64_t> source;  // offset of each k inside one output channel's weights
  source.reserve(static_cast<std::size_t>(channels * taps));
  std::int64_t first_channel = 0;
  for (const std::int64_t count : input_channels) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t c = 0; c < count; ++c) source.push_back((first_channel + c) * taps + tap);
    }
    first_channel += count;
  }
  const auto value = [&](std::int64_t k, std::int64_t n) {
    return weight[static_cast<std::size_t>(n * channels * taps + source[static_cast<std::size_t>(k)])];
  };
  const auto bias_value = [&](std::int64_t n) { return bias[static_cast<std::size_t>(n)]; };
  return pack_matrix(channels * taps, static_cast<std::int64_t>(bias.size()), panel_columns, value, bias_value);
}

}  // namespace histojet::kernels
