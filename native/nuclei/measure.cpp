#include "nuclei/measure.hpp"

namespace histojet::nuclei {

PixelSums pixel_sums(std::span<const Run> runs) {
  PixelSums sums{bounding_box(runs)};
  for (const Run& run : runs) {
    const std::int64_t length = run.end - run.start;
    sums.count += length;
    sums.x += length * (run.start + run.end - 1 - 2 * sums.box.x0) / 2;
    sums.y += length * (run.row - sums.box.y0);
  }
  return sums;
}

void add_nucleus(NucleusList& list, const Nucleus& nucleus, const Ring& ring, float ring_scale, bool typed) {
  list.centroids.push_back(static_cast<float>(nucleus.centroid_x));
  list.centroids.push_back(static_cast<float>(nucleus.centroid_y));
  for (const double side : {nucleus.x0, nucleus.y0, nucleus.x1, nucleus.y1}) {
    list.boxes.push_back(static_cast<float>(side));
  }
  list.areas.push_back(static_cast<float>(nucleus.area));
  if (typed) {
    list.types.push_back(nucleus.type.type);
    list.type_probabilities.push_back(nucleus.type.probability);
  }
  for (const Point point : ring) {
    list.contour_points.push_back(static_cast<float>(point.x) * ring_scale);
    list.contour_points.push_back(static_cast<float>(point.y) * ring_scale);
  }
  list.contour_starts.push_back(list.contour_points.size() / 2);
}

}  // namespace histojet::nuclei
