#pragma once

#include <cstdint>
#include <span>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "writers/heat_map.hpp"

namespace histojet::writers {

/// Numbers on a grid whose cells lie over a picture.
struct HeatLayer {
  std::span<const float> values;  ///< [rows][columns]; NaN and what is not above 0 is empty
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  double cell_width = 1;  ///< in pixels of the picture; the grid begins at its upper left corner
  double cell_height = 1;
};

struct HeatOverlayOptions {
  Colormap colormap = Colormap::kInferno;
  double max = 1;        ///< value of the last colour
  double opacity = 0.8;  ///< there; thinner below, in proportion
};

/// Lays a heat map over an RGB picture, smoothly between the centres of cells: the larger a value, the less of the
/// picture shines through. @throws Error kShapeMismatch, kInvalidArgument (no RGB picture, sizes); Cancelled.
void lay_heat_over(Image& picture, const HeatLayer& layer, const HeatOverlayOptions& options,
                   const CancelToken& cancel = {});

}  // namespace histojet::writers
