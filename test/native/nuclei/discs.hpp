#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::test {

struct Disc {
  double x;
  double y;
  double radius;
};

/// Adds a polygon of 24 corners.
inline void add_disc(nuclei::NucleusList& list, const Disc& disc) {
  list.centroids.push_back(static_cast<float>(disc.x));
  list.centroids.push_back(static_cast<float>(disc.y));
  for (const double side : {disc.x - disc.radius, disc.y - disc.radius, disc.x + disc.radius, disc.y + disc.radius}) {
    list.boxes.push_back(static_cast<float>(side));
  }
  list.areas.push_back(static_cast<float>(std::numbers::pi * disc.radius * disc.radius));
  for (int i = 0; i < 24; ++i) {
    const double angle = 2 * std::numbers::pi * i / 24;
    list.contour_points.push_back(static_cast<float>(disc.x + disc.radius * std::cos(angle)));
    list.contour_points.push_back(static_cast<float>(disc.y + disc.radius * std::sin(angle)));
  }
  list.contour_starts.push_back(list.contour_points.size() / 2);
}

}  // namespace histojet::test
