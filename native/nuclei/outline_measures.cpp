#include "nuclei/outline_measures.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::nuclei {

// Shoelace sums are taken around the ring's first point: level-0 coordinates are large, their squares would lose the
// digits that matter.
void append_outline_measures(std::span<const float> ring, NucleusList& list) {
  const double origin_x = ring[0];
  const double origin_y = ring[1];
  double twice_area = 0;
  double moment_x = 0;
  double moment_y = 0;
  float box[4] = {ring[0], ring[1], ring[0], ring[1]};
  const std::size_t count = ring.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t j = i + 1 == count ? 0 : i + 1;
    const double x0 = ring[2 * i] - origin_x, y0 = ring[2 * i + 1] - origin_y;
    const double x1 = ring[2 * j] - origin_x, y1 = ring[2 * j + 1] - origin_y;
    const double cross = x0 * y1 - x1 * y0;
    twice_area += cross;
    moment_x += (x0 + x1) * cross;
    moment_y += (y0 + y1) * cross;
    box[0] = std::min(box[0], ring[2 * i]);
    box[1] = std::min(box[1], ring[2 * i + 1]);
    box[2] = std::max(box[2], ring[2 * i]);
    box[3] = std::max(box[3], ring[2 * i + 1]);
  }
  if (twice_area != 0) {
    list.centroids.push_back(static_cast<float>(origin_x + moment_x / (3 * twice_area)));
    list.centroids.push_back(static_cast<float>(origin_y + moment_y / (3 * twice_area)));
  } else {
    list.centroids.push_back((box[0] + box[2]) / 2);
    list.centroids.push_back((box[1] + box[3]) / 2);
  }
  list.boxes.insert(list.boxes.end(), box, box + 4);
  list.areas.push_back(static_cast<float>(std::abs(twice_area) / 2));
}

}  // namespace histojet::nuclei
