#pragma once

#include <cstdint>

#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// Length of the closed ring: float square roots summed in double (cv2.arcLength).
double arc_length(const Ring& ring);

/// Twice the enclosed area, exact; positive when x turns towards y (clockwise on the screen).
std::int64_t doubled_area(const Ring& ring);

/// cv2.contourArea.
double area(const Ring& ring);

/// Area and first moments of a polygon (cv2.moments of a contour); all 0 for a ring without area.
struct Moments {
  double m00 = 0;
  double m10 = 0;
  double m01 = 0;
};
Moments polygon_moments(const Ring& ring);

/// At least three points, none repeated, no two sides that touch or cross except neighbours in their common point.
/// Exact for coordinates up to 2^30.
bool is_simple(const Ring& ring);

}  // namespace histojet::nuclei
