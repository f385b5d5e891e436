#include "tiles/stain_matrix.hpp"

namespace histojet::tiles {

StainMatrix inverse(const StainMatrix& m) {
  const auto cofactor = [&](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
  };
  const double determinant = m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  StainMatrix result;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) result[r][c] = cofactor(c, r) / determinant;
  }
  return result;
}

}  // namespace histojet::tiles
