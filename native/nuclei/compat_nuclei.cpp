#include "nuclei/compat_nuclei.hpp"

#include <algorithm>

#include "nuclei/approx.hpp"
#include "nuclei/contour.hpp"
#include "nuclei/fill_polygon.hpp"
#include "nuclei/measure.hpp"
#include "nuclei/polygon.hpp"
#include "nuclei/repair.hpp"

namespace histojet::nuclei {
namespace {

Ring simplified(const Ring& ring, double simplify) {
  return simplify == 0 ? ring : approx(ring, simplify * arc_length(ring) / 1000);
}

Nucleus measured(const Ring& ring) {
  const Moments moments = polygon_moments(ring);
  Nucleus nucleus;
  if (moments.m00 != 0) {
    nucleus.centroid_x = static_cast<double>(static_cast<std::int64_t>(moments.m10 / moments.m00));
    nucleus.centroid_y = static_cast<double>(static_cast<std::int64_t>(moments.m01 / moments.m00));
  }
  const auto [left, right] = std::minmax_element(ring.begin(), ring.end(), [](Point a, Point b) { return a.x < b.x; });
  const auto [top, bottom] = std::minmax_element(ring.begin(), ring.end(), [](Point a, Point b) { return a.y < b.y; });
  nucleus.x0 = left->x;
  nucleus.y0 = top->y;
  nucleus.x1 = right->x + 1;
  nucleus.y1 = bottom->y + 1;
  nucleus.area = area(ring);
  return nucleus;
}

}  // namespace

PostprocessResult hovernet_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options) {
  PostprocessResult result;
  const auto runs = runs_by_label(objects.runs, objects.count);
  result.labels.resize(maps.np.size());
  const Span2d<const std::int32_t> labels(result.labels.data(), maps.height, maps.width);
  bool lose_first = pixel_count(objects.runs) == maps.height * maps.width;
  for (std::int32_t label = 1; label <= objects.count; ++label) {
    if (runs[label].empty()) continue;
    paint(runs[label], label, maps.width, result.labels);
    if (lose_first) {
      lose_first = false;
      continue;
    }
    const Ring ring = simplified(reference_contour(labels, label, runs[label]), options.simplify);
    if (ring.size() < 3) continue;
    const PixelSums sums = pixel_sums(runs[label]);
    Nucleus nucleus;
    nucleus.centroid_x = static_cast<double>(sums.x) / static_cast<double>(sums.count) + sums.box.x0;
    nucleus.centroid_y = static_cast<double>(sums.y) / static_cast<double>(sums.count) + sums.box.y0;
    nucleus.x0 = sums.box.x0;
    nucleus.y0 = sums.box.y0;
    nucleus.x1 = sums.box.x1;
    nucleus.y1 = sums.box.y1;
    nucleus.area = static_cast<double>(sums.count);
    if (!maps.tp.empty()) nucleus.type = vote(maps.tp.data(), maps.width, runs[label]);
    add_nucleus(result.nuclei, nucleus, ring, 1, !maps.tp.empty());
    result.ids.push_back(label);
  }
  return result;
}

PostprocessResult hoverfast_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options) {
  PostprocessResult result;
  const auto runs = runs_by_label(objects.runs, objects.count);
  std::vector<std::int32_t> map(maps.np.size());
  const Span2d<const std::int32_t> labels(map.data(), maps.height, maps.width);
  result.labels.resize(map.size());
  const Span2d<std::int32_t> painted(result.labels.data(), maps.height, maps.width);
  for (std::int32_t label = 1; label <= objects.count; ++label) {
    if (runs[label].empty()) continue;
    paint(runs[label], label, maps.width, map);
    Ring ring = simplified(reference_contour(labels, label, runs[label]), options.simplify);
    if (area(ring) <= options.min_area_px) continue;
    if (!is_valid_polygon(ring)) ring = repaired(ring);
    if (ring.size() < 3) continue;
    Nucleus nucleus = measured(ring);
    if (!maps.tp.empty()) nucleus.type = vote(maps.tp.data(), maps.width, runs[label]);
    add_nucleus(result.nuclei, nucleus, ring, 1, !maps.tp.empty());
    result.ids.push_back(static_cast<std::int32_t>(result.ids.size()) + 1);
    fill_polygon(painted, ring, result.ids.back());
  }
  return result;
}

}  // namespace histojet::nuclei
