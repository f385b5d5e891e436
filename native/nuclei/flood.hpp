#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/components.hpp"

namespace histojet::nuclei {

/// A component of the mask cut out of the tile with a frame of one pixel, ready to be flooded.
struct Basin {
  Box box;                           ///< of the component, without the frame
  std::int64_t stride = 0;           ///< width of the box plus 2
  std::vector<double> values;        ///< [rows + 2, stride] the relief; the frame is never read
  std::vector<std::int32_t> labels;  ///< [rows + 2, stride] markers, 0 to flood, -1 outside the component

  /// Places `box`, marks everything as outside.
  void reset(const Box& placed);
  std::int32_t* label_row(std::int64_t y) { return labels.data() + (y - box.y0 + 1) * stride + 1 - box.x0; }
  double* value_row(std::int64_t y) { return values.data() + (y - box.y0 + 1) * stride + 1; }
  /// Writes `label` into the pixels of `run`.
  void paint(const Run& run, std::int32_t label);
};

/// Floods one component as `watershed` would, faster (spec section 13.6): pixels that cannot spread any more never
/// enter the queue, whose four-way tree is compact.
/// @returns false when two marker pixels of equal value compete, whose order only `watershed` on the reference's own
/// array knows; `basin.labels` is then half flooded.
bool flood(Basin& basin, bool monotone);

}  // namespace histojet::nuclei
