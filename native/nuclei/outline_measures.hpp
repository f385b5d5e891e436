#pragma once

#include <span>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// Adds the centroid, box and area of one open ring (x0, y0, x1, y1, …; at least one point) to `list`: those of the
/// polygon, the area in square units of the coordinates. A ring without an inside has the middle of its box as
/// centroid.
void append_outline_measures(std::span<const float> ring, NucleusList& list);

}  // namespace histojet::nuclei
