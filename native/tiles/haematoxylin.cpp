#include "tiles/haematoxylin.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tiles/stain_matrix.hpp"

namespace histojet::tiles {
namespace {

constexpr double kSmallest = 1e-6;

}  // namespace

void keep_haematoxylin(Image& rgb) {
  const StainMatrix unmix = inverse(kHed);
  const double log_smallest = std::log(kSmallest);
  // Share of each byte value in the haematoxylin amount: a pixel then costs three look-ups and three exponentials.
  std::array<std::array<double, 256>, 3> share;
  for (int c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      share[c][v] = std::log(std::max(v / 255.0, kSmallest)) / log_smallest * unmix[c][0];
    }
  }
  for (std::size_t i = 0; i + 2 < rgb.data.size(); i += 3) {
    std::uint8_t* pixel = rgb.data.data() + i;
    const double amount = std::max(share[0][pixel[0]] + share[1][pixel[1]] + share[2][pixel[2]], 0.0);
    for (int c = 0; c < 3; ++c) {
      const double value = std::exp(amount * kHed[0][c] * log_smallest);
      pixel[c] = static_cast<std::uint8_t>(std::lround(255.0 * std::clamp(value, 0.0, 1.0)));
    }
  }
}

}  // namespace histojet::tiles
