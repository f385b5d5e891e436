#pragma once

#include <cstdint>
#include <span>

#include "base/span2d.hpp"
#include "nuclei/components.hpp"
#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// The outer border of one object as OpenCV's findContours gives it with CHAIN_APPROX_SIMPLE: pixel centres,
/// 8-connected, straight pieces reduced to their ends, a square listed top-left, bottom-left, bottom-right, top-right
/// (spec section 5.0; Suzuki and Abe 1985). A single pixel gives one point. labels: the tile. runs: all pixels of
/// `label`, raster order, not empty. Of several 8-connected parts, the reference's choice: the one not inside another
/// whose first pixel comes last.
Ring reference_contour(Span2d<const std::int32_t> labels, std::int32_t label, std::span<const Run> runs);

}  // namespace histojet::nuclei
