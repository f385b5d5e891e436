#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels {

/// Channels of activations are padded to this (one cache line of floats); the additional ones hold zeros.
constexpr std::int64_t kChannelGranule = 16;

constexpr std::int64_t padded_channels(std::int64_t channels) {
  return (channels + kChannelGranule - 1) / kChannelGranule * kChannelGranule;
}

/// One input of a (multi-input) convolution as the kernel sees it.
struct ConvInput {
  std::int64_t channels;  ///< that count, from `first_channel` on
  std::int64_t pixel_stride;
  std::int64_t first_channel = 0;
  std::int64_t stride = 1;  ///< of the window, in pixels of this input
};

/// The walk over K: for each input, kernel row, kernel column, channel. Input i reads row pointers
/// [i * kernel, (i + 1) * kernel). `kernel` is the side of the square window.
std::vector<KStep> conv2d_steps(std::span<const ConvInput> inputs, std::int64_t kernel);

/// Weights in the order of `conv2d_steps`, cut into panels. Owns its memory; shared by all plans of a network.
struct PackedMatrix {
  AlignedBuffer<float> panels;
  AlignedBuffer<float> bias;
  std::int64_t k_total = 0;
  std::int64_t columns = 0;
  std::int64_t panel_columns = 0;

  std::int64_t byte_size() const { return static_cast<std::int64_t>(sizeof(float)) * (k_total + 1) * columns; }
};

/// Packs a matrix given by `value(k, column)` with `columns` real columns; `bias(column)` likewise.
template <class Value, class Bias>
PackedMatrix pack_matrix(std::int64_t k_total, std::int64_t columns, std::int64_t panel_columns, Value value,
                         Bias bias) {
  PackedMatrix packed;
  packed.k_total = k_total;
  packed.columns = padded_channels(columns);
  packed.panel_columns = panel_columns;
  packed.panels = make_aligned<float>(static_cast<std::size_t>(k_total * packed.columns));
  packed.bias = make_aligned<float>(static_cast<std::size_t>(packed.columns));
  float* out = packed.panels.get();
  for (std::int64_t n = 0; n < packed.columns; n += panel_columns) {
    const std::int64_t end = n + panel_columns < packed.columns ? n + panel_columns : packed.columns;
    for (std::int64_t k = 0; k < k_total; ++k) {
      for (std::int64_t column = n; column < end; ++column) *out++ = column < columns ? value(k, column) : 0.0f;
    }
  }
  for (std::int64_t n = 0; n < packed.columns; ++n) packed.bias[n] = n < columns ? bias(n) : 0.0f;
  return packed;
}

/// weight: [columns][sum of input channels][kernel][kernel] as in PyTorch's Conv2d; bias: [columns].
PackedMatrix pack_conv2d(std::span<const float> weight, std::span<const float> bias,
                         std::span<const std::int64_t> input_channels, std::int64_t kernel, std::int64_t panel_columns);

}  // namespace histojet::kernels
