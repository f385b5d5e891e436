#pragma once

#include <cstdint>
#include <vector>

namespace histojet {

/// 8-bit pixels, interleaved, row by row without padding. 1 channel: grey, 3: RGB, 4: RGB with straight alpha.
struct Image {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 3;
  std::vector<std::uint8_t> data;

  Image() = default;
  Image(std::int64_t width, std::int64_t height, int channels, std::uint8_t fill = 0)
      : width(width),
        height(height),
        channels(channels),
        data(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels),
             fill) {}

  std::uint8_t* row(std::int64_t y) { return data.data() + static_cast<std::size_t>(y * width * channels); }
  const std::uint8_t* row(std::int64_t y) const { return data.data() + static_cast<std::size_t>(y * width * channels); }
};

/// Pixels that somebody else owns; rows are `stride` bytes apart.
struct ImageView {
  const std::uint8_t* data = nullptr;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 3;
  std::int64_t stride = 0;

  ImageView() = default;
  ImageView(const Image& image)  // NOLINT: implicit on purpose, a view is how images are passed
      : data(image.data.data()),
        width(image.width),
        height(image.height),
        channels(image.channels),
        stride(image.width * image.channels) {}
  ImageView(const std::uint8_t* data, std::int64_t width, std::int64_t height, int channels, std::int64_t stride)
      : data(data), width(width), height(height), channels(channels), stride(stride) {}

  const std::uint8_t* row(std::int64_t y) const { return data + y * stride; }
};

}  // namespace histojet
