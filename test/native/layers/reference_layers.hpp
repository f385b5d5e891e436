#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "kernels/conv_reference.hpp"
#include "weights/state_dict.hpp"

namespace histojet::test {

/// Operations of HoVer-Net's blocks in double precision, straight from PyTorch's definitions; weights by key.
class ReferenceLayers {
 public:
  explicit ReferenceLayers(const weights::StateDict& dict) : dict_(dict) {}

  DenseMap conv(const std::string& key, const DenseMap& x, const engine::ConvGeometry& geometry = {}) const {
    const Shape shape = dict_.entry(key + ".weight").shape;
    const std::vector<float> weight = values(key + ".weight");
    const std::int64_t kernel = shape[2];
    const auto length = [&](std::int64_t in) {
      return (in + geometry.pad_before + geometry.pad_after - kernel) / geometry.stride + 1;
    };
    DenseMap out(length(x.height), length(x.width), shape[0]);
    for (std::int64_t y = 0; y < out.height; ++y) {
      for (std::int64_t col = 0; col < out.width; ++col) {
        for (std::int64_t n = 0; n < shape[0]; ++n) {
          const std::int64_t first = n / (shape[0] / geometry.groups) * shape[1];
          double sum = 0;
          for (std::int64_t i = 0; i < shape[1] * kernel * kernel; ++i) {
            const std::int64_t tap = i % (kernel * kernel);
            sum += weight[static_cast<std::size_t>(n * shape[1] * kernel * kernel + i)] *
                   x.padded(y * geometry.stride - geometry.pad_before + tap / kernel,
                            col * geometry.stride - geometry.pad_before + tap % kernel, first + i / (kernel * kernel));
          }
          out.at(y, col, n) = sum;
        }
      }
    }
    return out;
  }

  DenseMap norm_relu(const std::string& key, DenseMap x) const {
    const auto gamma = values(key + ".weight");
    const auto beta = values(key + ".bias");
    const auto mean = values(key + ".running_mean");
    const auto variance = values(key + ".running_var");
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      const std::size_t c = i % gamma.size();
      x.values[i] = std::max(0.0, (x.values[i] - mean[c]) / std::sqrt(variance[c] + 1e-5) * gamma[c] + beta[c]);
    }
    return x;
  }

  static DenseMap sum(DenseMap a, const DenseMap& b) {
    for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
    return a;
  }

  /// The centre of `earlier`, cut to the size of `later`, and `later` side by side.
  static DenseMap joined(const DenseMap& earlier, const DenseMap& later) {
    DenseMap out(later.height, later.width, earlier.channels + later.channels);
    const std::int64_t top = (earlier.height - later.height) / 2;
    const std::int64_t left = (earlier.width - later.width) / 2;
    for (std::int64_t y = 0; y < out.height; ++y) {
      for (std::int64_t x = 0; x < out.width; ++x) {
        for (std::int64_t c = 0; c < out.channels; ++c) {
          const std::int64_t own = c - earlier.channels;
          out.at(y, x, c) = own < 0 ? earlier.padded(y + top, x + left, c) : later.padded(y, x, own);
        }
      }
    }
    return out;
  }

 private:
  std::vector<float> values(const std::string& key) const {
    const Tensor tensor = dict_.get(key);
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }

  const weights::StateDict& dict_;
};

}  // namespace histojet::test
