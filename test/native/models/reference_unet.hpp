#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/conv_reference.hpp"
#include "models/hoverfast.hpp"

namespace histojet::test {

/// HoverFast in double precision, straight from the description of its blocks and without any of the engine: what
/// configurations without recorded reference outputs are held against.
class ReferenceUnet {
 public:
  ReferenceUnet(const weights::StateDict& dict, const models::HoverFastConfig& config) : dict_(dict), config_(config) {}

  struct Result {
    DenseMap logits;
    DenseMap maps;
  };

  Result run(const Image& image) const {
    DenseMap x(image.height, image.width, 3);
    for (std::size_t i = 0; i < image.data.size(); ++i) x.values[i] = static_cast<float>(image.data[i]) / 255.0f;
    std::vector<DenseMap> skips;
    for (std::int64_t level = 0; level < config_.depth; ++level) {
      x = block("down_path." + std::to_string(level), {x});
      if (level == config_.depth - 1) break;
      skips.push_back(x);
      x = pool(x);
    }
    return {conv("last", {decode("up_path", x, skips)}, 1, 0), conv("last_m", {decode("up_path_m", x, skips)}, 1, 0)};
  }

 private:
  std::vector<float> values(const std::string& key) const {
    const Tensor tensor = dict_.get(key);
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }

  DenseMap conv(const std::string& key, const std::vector<DenseMap>& inputs, std::int64_t kernel,
                std::int64_t padding) const {
    return reference_conv(inputs, values(key + ".weight"), values(key + ".bias"), kernel, padding, false);
  }

  DenseMap two_convs(const std::string& prefix, std::vector<DenseMap> x, std::int64_t kernel) const {
    const std::int64_t padding = config_.padding ? kernel / 2 : 0;
    for (int i = 0; i < 2; ++i) {
      const int index = i * (config_.batch_norm ? 3 : 2);
      DenseMap y = conv(prefix + ".block." + std::to_string(index), x, kernel, padding);
      if (config_.batch_norm) normalise(prefix + ".block." + std::to_string(index + 1), y);
      for (double& value : y.values) value = std::max(value, 0.0);
      x = {y};
    }
    return x[0];
  }

  void normalise(const std::string& key, DenseMap& map) const {
    const auto gamma = values(key + ".weight");
    const auto beta = values(key + ".bias");
    const auto mean = values(key + ".running_mean");
    const auto variance = values(key + ".running_var");
    for (std::size_t i = 0; i < map.values.size(); ++i) {
      const std::size_t c = i % gamma.size();
      map.values[i] = (map.values[i] - mean[c]) / std::sqrt(variance[c] + 1e-5) * gamma[c] + beta[c];
    }
  }

  DenseMap block(const std::string& prefix, const std::vector<DenseMap>& x) const {
    if (config_.conv_block == models::BlockKind::kUnet) return two_convs(prefix, x, 3);
    return conv(prefix + ".conv", {two_convs(prefix + ".conv_3", x, 3), two_convs(prefix + ".conv_7", x, 7)}, 1, 0);
  }

  static DenseMap pool(const DenseMap& x) {
    DenseMap out(x.height / 2, x.width / 2, x.channels);
    for (std::int64_t i = 0; i < out.height * out.width * out.channels; ++i) {
      const std::int64_t c = i % x.channels;
      const std::int64_t col = i / x.channels % out.width;
      const std::int64_t row = i / x.channels / out.width;
      out.values[static_cast<std::size_t>(i)] =
          std::max(std::max(x.padded(2 * row, 2 * col, c), x.padded(2 * row, 2 * col + 1, c)),
                   std::max(x.padded(2 * row + 1, 2 * col, c), x.padded(2 * row + 1, 2 * col + 1, c)));
    }
    return out;
  }

  DenseMap enlarge(const std::string& key, const DenseMap& x) const {
    if (config_.up_mode == layers::UpMode::kUpsample) return conv(key + ".1", {bilinear(x)}, 1, 0);
    const auto weight = values(key + ".weight");
    const auto bias = values(key + ".bias");
    const auto out_channels = static_cast<std::int64_t>(bias.size());
    DenseMap out(2 * x.height, 2 * x.width, out_channels);
    for (std::int64_t row = 0; row < out.height; ++row) {
      for (std::int64_t col = 0; col < out.width; ++col) {
        for (std::int64_t n = 0; n < out_channels; ++n) {
          double sum = bias[static_cast<std::size_t>(n)];
          for (std::int64_t k = 0; k < x.channels; ++k) {
            const std::int64_t index = ((k * out_channels + n) * 2 + row % 2) * 2 + col % 2;
            sum += x.padded(row / 2, col / 2, k) * weight[static_cast<std::size_t>(index)];
          }
          out.at(row, col, n) = sum;
        }
      }
    }
    return out;
  }

  static DenseMap bilinear(const DenseMap& x) {
    DenseMap out(2 * x.height, 2 * x.width, x.channels);
    for (std::int64_t row = 0; row < out.height; ++row) {
      const double source_y = std::max(0.0, (static_cast<double>(row) + 0.5) / 2 - 0.5);
      const auto y0 = static_cast<std::int64_t>(source_y);
      const std::int64_t y1 = std::min(y0 + 1, x.height - 1);
      const double fy = source_y - static_cast<double>(y0);
      for (std::int64_t col = 0; col < out.width; ++col) {
        const double source_x = std::max(0.0, (static_cast<double>(col) + 0.5) / 2 - 0.5);
        const auto x0 = static_cast<std::int64_t>(source_x);
        const std::int64_t x1 = std::min(x0 + 1, x.width - 1);
        const double fx = source_x - static_cast<double>(x0);
        for (std::int64_t c = 0; c < x.channels; ++c) {
          out.at(row, col, c) = (1 - fy) * ((1 - fx) * x.padded(y0, x0, c) + fx * x.padded(y0, x1, c)) +
                                fy * ((1 - fx) * x.padded(y1, x0, c) + fx * x.padded(y1, x1, c));
        }
      }
    }
    return out;
  }

  DenseMap decode(const std::string& path, DenseMap x, const std::vector<DenseMap>& skips) const {
    for (std::int64_t step = 0; step < config_.depth - 1; ++step) {
      const std::string prefix = path + "." + std::to_string(step);
      const DenseMap up = enlarge(prefix + ".up", x);
      const DenseMap& skip = skips[static_cast<std::size_t>(config_.depth - 2 - step)];
      DenseMap cropped(up.height, up.width, skip.channels);
      for (std::int64_t row = 0; row < up.height; ++row) {
        for (std::int64_t col = 0; col < up.width; ++col) {
          for (std::int64_t c = 0; c < skip.channels; ++c) {
            cropped.at(row, col, c) =
                skip.padded(row + (skip.height - up.height) / 2, col + (skip.width - up.width) / 2, c);
          }
        }
      }
      x = block(prefix + ".conv_block", {up, cropped});
    }
    return x;
  }

  const weights::StateDict& dict_;
  const models::HoverFastConfig& config_;
};

}  // namespace histojet::test
