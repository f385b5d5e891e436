#pragma once

#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// What HoverFast makes of an invalid ring: Shapely's make_valid (GEOS 3.11, linework), the part of largest area, its
/// longest boundary ring, coordinates truncated to integers. The result is closed: its last point repeats the first
/// (spec section 5.2, Repair). Empty when nothing with an area remains.
Ring repaired(const Ring& ring);

/// Shapely's is_valid for a polygon of one ring: no side crosses or touches another, repeated neighbours allowed.
bool is_valid_polygon(const Ring& ring);

}  // namespace histojet::nuclei
