#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"

namespace histojet::kernels {
namespace {

constexpr std::int64_t kStepElements = 32;
constexpr std::int64_t kStepBytes = 64;

std::int64_t window_pixels(const TileForm& form) {
  return form.kernel + form.stride * (form.pixels - 1);
}

class Walker {
 public:
  Walker(std::span<const TileInput> inputs, const TileForm& form) : form_(form) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      for (std::int64_t dy = 0; dy < form.kernel; ++dy, walk_.rows += inputs[i].planes) {
        add_row(inputs[i], static_cast<std::int32_t>(i), static_cast<std::int32_t>(dy));
      }
    }
  }
  TileWalk take() { return std::move(walk_); }

 private:
  void add_row(const TileInput& input, std::int32_t index, std::int32_t dy) {
    const std::int64_t pixel_elements = input.pixel_bytes / 2;
    const std::int64_t end = input.first_channel + input.channels;
    const auto element = [&](std::int64_t at) {
      const std::int64_t channel = at % pixel_elements;
      const bool real = channel >= input.first_channel && channel < end && at / pixel_elements < window_pixels(form_);
      return TileElement{index, real ? static_cast<std::int32_t>(channel) : -1, dy,
                         static_cast<std::int32_t>(at / pixel_elements)};
    };
    for (std::int64_t at = 0; at < pixels_read(input, form_) * pixel_elements; at += kStepElements) {
      std::array<TileElement, 32> elements;
      bool any = false;
      for (std::size_t i = 0; i < elements.size(); ++i) {
        elements[i] = element(at + static_cast<std::int64_t>(i));
        any = any || elements[i].channel >= 0;
      }
      if (any) add_steps(input, at * 2, elements);
    }
  }

  void add_steps(const TileInput& input, std::int64_t offset, const std::array<TileElement, 32>& elements) {
    const auto add = [&](std::int64_t plane, bool low_weights) {
      walk_.steps.push_back({static_cast<std::int32_t>(walk_.rows + plane), static_cast<std::int32_t>(offset),
                             static_cast<std::int32_t>(form_.pixels * form_.stride * input.pixel_bytes)});
      walk_.elements.push_back(elements);
      walk_.low_weights.push_back(low_weights);
    };
    add(0, false);
    if (input.planes == 2) add(1, false);
    if (form_.split_weights) add(0, true);
  }

  TileForm form_;
  TileWalk walk_;
};

}  // namespace

std::int64_t pixels_per_position(std::span<const TileInput> inputs) {
  for (const TileInput& input : inputs) {
    if (input.pixel_bytes < kStepBytes) return 2;
  }
  return 1;
}

std::int64_t pixels_read(const TileInput& input, const TileForm& form) {
  if (input.pixel_bytes >= kStepBytes) return window_pixels(form);
  const std::int64_t bytes = window_pixels(form) * input.pixel_bytes;
  return (bytes + kStepBytes - 1) / kStepBytes * kStepBytes / input.pixel_bytes;
}

TileWalk tile_walk(std::span<const TileInput> inputs, const TileForm& form) {
  return Walker(inputs, form).take();
}

PackedTiles pack_conv2d_tiles(std::span<const float> weight, std::span<const float> bias,
                              std::span<const TileInput> inputs, const TileForm& form, std::int64_t pixel_columns,
                              double scale) {
  std::vector<std::int64_t> first;  // channel of each input in the weights
  std::int64_t channels = 0;
  for (const TileInput& input : inputs) {
    first.push_back(channels - input.first_channel);
    channels += input.channels;
  }
  const auto out = static_cast<std::int64_t>(bias.size());
  const auto value = [&](const TileElement& element, std::int64_t column) {
    const std::int64_t n = column % pixel_columns;
    const std::int64_t dx = element.pixel - column / pixel_columns * form.stride;
    if (n >= out || dx < 0 || dx >= form.kernel) return 0.0f;
    const std::int64_t channel = first[static_cast<std::size_t>(element.input)] + element.channel;
    const std::int64_t index = ((n * channels + channel) * form.kernel + element.dy) * form.kernel + dx;
    return static_cast<float>(weight[static_cast<std::size_t>(index)] * scale);
  };
  const auto bias_value = [&](std::int64_t column) {
    const std::int64_t n = column % pixel_columns;
    return n < out ? bias[static_cast<std::size_t>(n)] : 0.0f;
  };
  return pack_tiles(tile_walk(inputs, form), form.pixels * pixel_columns, value, bias_value);
}

std::array<PackedTiles, 2> pack_conv_transpose2x2_tiles(std::span<const float> weight, std::span<const float> bias,
                                                        const TileInput& input, const TileForm& form,
                                                        std::int64_t pixel_columns) {
  const auto out = static_cast<std::int64_t>(bias.size());
  const TileWalk walk = tile_walk({&input, 1}, form);
  const auto pack = [&](std::int64_t row) {
    const auto value = [&](const TileElement& element, std::int64_t column) {
      const std::int64_t n = column % pixel_columns;
      const std::int64_t pixel = column / pixel_columns;
      if (n >= out || element.pixel != pixel / 2) return 0.0f;
      return weight[static_cast<std::size_t>(((element.channel * out + n) * 2 + row) * 2 + pixel % 2)];
    };
    const auto bias_value = [&](std::int64_t column) {
      const std::int64_t n = column % pixel_columns;
      return n < out ? bias[static_cast<std::size_t>(n)] : 0.0f;
    };
    return pack_tiles(walk, 2 * form.pixels * pixel_columns, value, bias_value);
  };
  return {pack(0), pack(1)};
}

}  // namespace histojet::kernels
