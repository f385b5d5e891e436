#include "slide/box_scale.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::slide {

void box_mean(const PlacedPixels& source, double x0, double y0, double x1, double y1, std::uint8_t* rgba) {
  const auto left = std::max(source.x, static_cast<std::int64_t>(std::floor(x0)));
  const auto top = std::max(source.y, static_cast<std::int64_t>(std::floor(y0)));
  const auto right = std::min(source.x + source.width, static_cast<std::int64_t>(std::ceil(x1)));
  const auto bottom = std::min(source.y + source.height, static_cast<std::int64_t>(std::ceil(y1)));
  double sums[3] = {};
  double alpha = 0;
  for (std::int64_t y = top; y < bottom; ++y) {
    const double share_y = std::min(y1, static_cast<double>(y + 1)) - std::max(y0, static_cast<double>(y));
    const std::uint8_t* pixel = source.data + ((y - source.y) * source.width + left - source.x) * 4;
    for (std::int64_t x = left; x < right; ++x, pixel += 4) {
      const double share_x = std::min(x1, static_cast<double>(x + 1)) - std::max(x0, static_cast<double>(x));
      const double weight = share_x * share_y * pixel[3];
      alpha += weight;
      for (int c = 0; c < 3; ++c) sums[c] += weight * pixel[c];
    }
  }
  const double total = (x1 - x0) * (y1 - y0);
  for (int c = 0; c < 3; ++c) rgba[c] = static_cast<std::uint8_t>(alpha > 0 ? std::lround(sums[c] / alpha) : 0);
  rgba[3] = static_cast<std::uint8_t>(std::clamp<long>(std::lround(alpha / total), 0, 255));
}

}  // namespace histojet::slide
