#include "tiles/haematoxylin.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace histojet::tiles {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

constexpr Matrix kStains{{{0.65, 0.70, 0.29}, {0.07, 0.99, 0.11}, {0.27, 0.57, 0.78}}};
constexpr double kSmallest = 1e-6;

Matrix inverse(const Matrix& m) {
  const auto cofactor = [&](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
  };
  const double determinant = m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  Matrix result;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) result[r][c] = cofactor(c, r) / determinant;
  }
  return result;
}

}  // namespace

void keep_haematoxylin(Image& rgb) {
  const Matrix unmix = inverse(kStains);
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
      const double value = std::exp(amount * kStains[0][c] * log_smallest);
      pixel[c] = static_cast<std::uint8_t>(std::lround(255.0 * std::clamp(value, 0.0, 1.0)));
    }
  }
}

}  // namespace histojet::tiles
