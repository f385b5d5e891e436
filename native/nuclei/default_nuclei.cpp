#include "nuclei/default_nuclei.hpp"

#include <algorithm>

#include "nuclei/measure.hpp"
#include "nuclei/outline.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

/// One run in each row and every one touches the one above: surely connected, as nearly all objects are.
bool plainly_connected(std::span<const Run> runs) {
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const Run &above = runs[i - 1], &here = runs[i];
    if (here.row != above.row + 1 || here.start >= above.end || above.start >= here.end) return false;
  }
  return true;
}

/// The runs of the largest part.
std::vector<Run> largest_part(std::span<const Run> runs) {
  std::vector<Run> parts(runs.begin(), runs.end());
  const std::int32_t count = label_runs(parts, 0);
  if (count == 1) return parts;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(count) + 1);
  for (const Run& run : parts) sizes[static_cast<std::size_t>(run.label)] += run.end - run.start;
  const auto largest = static_cast<std::int32_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
  std::erase_if(parts, [&](const Run& run) { return run.label != largest; });
  return parts;
}

/// The parts that become nuclei, by their first pixels.
class KeptParts {
 public:
  KeptParts(const Segmentation& objects, double min_area_px) : runs_(runs_by_label(objects.runs, objects.count)) {
    for (std::int32_t label = 1; label <= objects.count; ++label) {
      const std::span<const Run> runs = runs_[label];
      if (static_cast<double>(pixel_count(runs)) < min_area_px || runs.empty()) continue;
      if (plainly_connected(runs)) {
        parts_.push_back(runs);
        continue;
      }
      std::vector<Run> part = largest_part(runs);
      if (static_cast<double>(pixel_count(part)) < min_area_px) continue;
      // Moving the vector leaves its runs where they are.
      parts_.push_back(part);
      cut_.push_back(std::move(part));
    }
    std::sort(parts_.begin(), parts_.end(), [](std::span<const Run> a, std::span<const Run> b) {
      return a[0].row != b[0].row ? a[0].row < b[0].row : a[0].start < b[0].start;
    });
  }

  const std::vector<std::span<const Run>>& parts() const { return parts_; }

 private:
  GroupsByLabel<Run> runs_;
  std::vector<std::vector<Run>> cut_;  ///< of objects that are not in one piece
  std::vector<std::span<const Run>> parts_;
};

Nucleus measured(const PixelSums& sums) {
  Nucleus nucleus;
  nucleus.centroid_x = static_cast<double>(sums.x) / static_cast<double>(sums.count) + sums.box.x0 + 0.5;
  nucleus.centroid_y = static_cast<double>(sums.y) / static_cast<double>(sums.count) + sums.box.y0 + 0.5;
  nucleus.x0 = sums.box.x0;
  nucleus.y0 = sums.box.y0;
  nucleus.x1 = sums.box.x1;
  nucleus.y1 = sums.box.y1;
  nucleus.area = static_cast<double>(sums.count);
  return nucleus;
}

}  // namespace

PostprocessResult default_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options) {
  PostprocessResult result;
  result.labels.resize(maps.np.size());
  const KeptParts kept(objects, options.min_area_px);
  const std::vector<std::span<const Run>>& parts = kept.parts();
  const Span2d<const std::int32_t> labels(result.labels.data(), maps.height, maps.width);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    result.ids.push_back(static_cast<std::int32_t>(i) + 1);
    // Painted just before the walk around it, which then finds it in the cache.
    paint(parts[i], result.ids[i], maps.width, result.labels);
    const PixelSums sums = pixel_sums(parts[i]);
    const bool at_border =
        sums.box.x0 == 0 || sums.box.y0 == 0 || sums.box.x1 == maps.width || sums.box.y1 == maps.height;
    const Ring outline = pixel_outline(labels, result.ids[i], {parts[i][0].start, parts[i][0].row}, at_border);
    const Ring ring = simplified_outline(outline, options.simplify / 1000 * arc_length(outline));
    Nucleus nucleus = measured(sums);
    if (!maps.tp.empty()) nucleus.type = vote(maps.tp.data(), maps.width, parts[i]);
    add_nucleus(result.nuclei, nucleus, ring, 0.5f, !maps.tp.empty());
  }
  return result;
}

}  // namespace histojet::nuclei
