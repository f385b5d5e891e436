#pragma once

#include <array>

namespace histojet::tiles {

/// One stain a row: the optical density that a unit of it has in red, green and blue. The inverse has one channel a row
/// and one stain a column.
using StainMatrix = std::array<std::array<double, 3>, 3>;

/// Haematoxylin, eosin, DAB after Ruifrok and Johnston (Anal Quant Cytol Histol 23, 291-299, 2001), in the rounding of
/// scikit-image's `rgb_from_hed`; HoverFast takes the same. Rows have length 1 within 0.4 %.
inline constexpr StainMatrix kHed{{{0.65, 0.70, 0.29}, {0.07, 0.99, 0.11}, {0.27, 0.57, 0.78}}};

/// The matrix that turns optical densities into amounts of the stains of `m`, whose rows must be independent.
StainMatrix inverse(const StainMatrix& m);

}  // namespace histojet::tiles
