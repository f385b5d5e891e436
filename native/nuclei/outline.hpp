#pragma once

#include <cstdint>
#include <span>

#include "base/span2d.hpp"
#include "nuclei/components.hpp"
#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// The outer outline of a 4-connected object through the middles of its border pixels' sides (marching squares at level
/// one half), in half pixels, pixel-edge convention: the centre of pixel (0, 0) is (1, 1). Points on straight pieces
/// are left out. A square of n x n pixels encloses n^2 - 1/2 pixels. Holes count as inside. doubled_area() > 0.
///
/// Always simple: every side lies within the unit square around one pixel corner, each square holds at most two sides,
/// and where it holds two (object pixels that meet only at that corner) they cut off opposite corners of the square.
/// Sides of different squares meet only in the middle of the border side that the squares share, which the walk passes
/// once.
///
/// labels: the tile. first: the object's first pixel in raster order. at_border: the object may have pixels in the
/// first or last row or column of the tile; without any the walk is faster.
Ring pixel_outline(Span2d<const std::int32_t> labels, std::int32_t label, Point first, bool at_border = true);

/// Simplifies an outline by at most `epsilon` (its own units). The result is simple, keeps its orientation and has an
/// area: where approx() breaks that, smaller tolerances are tried, at last the outline itself is returned.
Ring simplified_outline(const Ring& outline, double epsilon);

}  // namespace histojet::nuclei
