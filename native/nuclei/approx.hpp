#pragma once

#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// Douglas-Peucker simplification of a closed ring with the order of steps and the final clean-up of OpenCV's
/// approxPolyDP (spec section 5.0, Approx). `epsilon`: largest distance, in the ring's units.
Ring approx(const Ring& ring, double epsilon);

}  // namespace histojet::nuclei
