#include "slide/bilinear.hpp"

#include <cmath>

namespace histojet::slide {
namespace {

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::lround(value));
}

}  // namespace

void shift_bilinear(std::span<const std::uint8_t> source, double fraction_x, double fraction_y, const Window& window,
                    std::span<std::uint8_t> out) {
  const std::int64_t stride = (window.width + 1) * 4;
  const double weights[4] = {(1 - fraction_x) * (1 - fraction_y), fraction_x * (1 - fraction_y),
                             (1 - fraction_x) * fraction_y, fraction_x * fraction_y};
  std::uint8_t* to = out.data();
  for (std::int64_t y = 0; y < window.height; ++y) {
    const std::uint8_t* row = source.data() + y * stride;
    for (std::int64_t x = 0; x < window.width; ++x, row += 4, to += window.channels) {
      const std::uint8_t* corners[4] = {row, row + 4, row + stride, row + stride + 4};
      double sums[3] = {};
      double alpha = 0;
      for (int k = 0; k < 4; ++k) {
        const double weight = weights[k] * corners[k][3];
        alpha += weight;
        for (int c = 0; c < 3; ++c) sums[c] += weight * corners[k][c];
      }
      for (int c = 0; c < 3; ++c) {
        const double background = window.background[static_cast<std::size_t>(c)];
        to[c] = window.channels == 4 ? to_byte(alpha > 0 ? sums[c] / alpha : 0)
                                     : to_byte((sums[c] + background * (255 - alpha)) / 255);
      }
      if (window.channels == 4) to[3] = to_byte(alpha);
    }
  }
}

}  // namespace histojet::slide
