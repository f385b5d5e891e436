#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace histojet::test {

/// Dense maps [height, width, channels] in double precision; what the kernels are held against.
struct DenseMap {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<double> values;

  DenseMap(std::int64_t height, std::int64_t width, std::int64_t channels)
      : height(height), width(width), channels(channels), values(static_cast<std::size_t>(height * width * channels)) {}
  double& at(std::int64_t y, std::int64_t x, std::int64_t c) {
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  /// Zero outside of the map.
  double padded(std::int64_t y, std::int64_t x, std::int64_t c) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0.0;
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
};

/// Numbers in [-1, 1) that are exact in float32.
class Noise {
 public:
  /// With a grain all values are multiples of it, so that sums of products are exact in any order.
  explicit Noise(std::uint32_t seed, float grain = 0) : engine_(seed), grain_(grain) {}
  float next() {
    const float value = static_cast<float>(static_cast<std::int32_t>(engine_()) / 256) / (1 << 23);
    return grain_ == 0 ? value : std::round(value / grain_) * grain_;
  }
  std::vector<float> vector(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = next();
    return values;
  }
  DenseMap map(std::int64_t height, std::int64_t width, std::int64_t channels) {
    DenseMap map(height, width, channels);
    for (double& value : map.values) value = next();
    return map;
  }

 private:
  std::mt19937 engine_;
  float grain_;
};

/// torch.nn.functional.conv2d over the inputs side by side; weight [out][in][k][k].
inline DenseMap reference_conv(const std::vector<DenseMap>& inputs, const std::vector<float>& weight,
                               const std::vector<float>& bias, std::int64_t kernel, std::int64_t padding, bool relu) {
  const auto out_channels = static_cast<std::int64_t>(bias.size());
  std::int64_t in_channels = 0;
  for (const DenseMap& input : inputs) in_channels += input.channels;
  DenseMap out(inputs[0].height + 2 * padding - kernel + 1, inputs[0].width + 2 * padding - kernel + 1, out_channels);
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      for (std::int64_t n = 0; n < out_channels; ++n) {
        double sum = bias[static_cast<std::size_t>(n)];
        std::int64_t first = 0;
        for (const DenseMap& input : inputs) {
          for (std::int64_t c = 0; c < input.channels; ++c) {
            const std::int64_t start = (n * in_channels + first + c) * kernel * kernel;
            for (std::int64_t tap = 0; tap < kernel * kernel; ++tap) {
              sum += weight[static_cast<std::size_t>(start + tap)] *
                     input.padded(y - padding + tap / kernel, x - padding + tap % kernel, c);
            }
          }
          first += input.channels;
        }
        out.at(y, x, n) = relu && sum < 0.0 ? 0.0 : sum;
      }
    }
  }
  return out;
}

}  // namespace histojet::test
