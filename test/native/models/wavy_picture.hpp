#pragma once

#include <cmath>
#include <cstdint>

#include "base/image.hpp"
#include "models/formula_dict.hpp"

namespace histojet::test {

/// A picture with coarse and fine structure.
inline Image wavy_picture(std::int64_t width, std::int64_t height) {
  Image image(width, height, 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const double wave = std::sin(0.31 * static_cast<double>(x * (c + 1))) * std::cos(0.23 * static_cast<double>(y));
        const double grain = formula_unit(7, static_cast<std::uint32_t>((y * width + x) * 3 + c));
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::lround(127.5 + 80 * wave + 40 * grain));
      }
    }
  }
  return image;
}

}  // namespace histojet::test
