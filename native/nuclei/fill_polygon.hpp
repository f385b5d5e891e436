#pragma once

#include <cstdint>

#include "base/span2d.hpp"
#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// Writes `value` into the pixels that cv2.fillPoly (8-connected lines, no sub-pixel bits) covers: every row's inside
/// by the even-odd rule in 16-bit fixed point, and the sides drawn as lines. Points must lie inside the image.
void fill_polygon(Span2d<std::int32_t> image, const Ring& ring, std::int32_t value);

}  // namespace histojet::nuclei
