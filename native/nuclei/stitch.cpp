#include "nuclei/stitch.hpp"

#include <algorithm>

#include "nuclei/box_grid.hpp"
#include "nuclei/spans.hpp"

namespace histojet::nuclei {
namespace {

/// Two windows' views of one nucleus overlap at least so far.
constexpr double kSameIou = 0.3;
constexpr double kCoveredShare = 0.5;

bool contains(const Core& core, double x, double y) {
  return x >= core.x0 && x < core.x1 && y >= core.y0 && y < core.y1;
}

/// Outside of the core, but so close that two views of one nucleus may disagree about the side. Farther out lie what
/// the window's own border cut off and nuclei that are plainly another window's.
bool just_outside(const Core& core, double x, double y, double band) {
  const double reach = band / 2;
  return contains({core.x0 - reach, core.y0 - reach, core.x1 + reach, core.y1 + reach}, x, y);
}

/// The box comes within `band` of the core's border, on either side.
bool near_border(const Core& core, const Extent& box, double band) {
  const bool reaches =
      box.x1 >= core.x0 - band && box.x0 <= core.x1 + band && box.y1 >= core.y0 - band && box.y0 <= core.y1 + band;
  const bool deep_inside =
      box.x0 > core.x0 + band && box.x1 < core.x1 - band && box.y0 > core.y0 + band && box.y1 < core.y1 - band;
  return reaches && !deep_inside;
}

bool same_nucleus(std::span<const Span> a, std::span<const Span> b) {
  const auto shared = static_cast<double>(shared_pixels(a, b));
  const auto a_size = static_cast<double>(pixel_count(a)), b_size = static_cast<double>(pixel_count(b));
  return shared > kSameIou * (a_size + b_size - shared) || shared > kCoveredShare * std::min(a_size, b_size);
}

}  // namespace

bool Stitcher::owned_before(double x, double y) const {
  return std::any_of(cores_.begin(), cores_.end(), [&](const Core& earlier) { return contains(earlier, x, y); });
}

void Stitcher::forget_above(const Core& core) {
  // Windows come in raster order: none that follows begins higher than this one.
  const double reach = core.y0 - 2 * band_;
  std::erase_if(taken_, [&](const Taken& taken) { return taken.y1 < reach; });
  std::erase_if(cores_, [&](const Core& earlier) { return earlier.y1 < reach; });
}

NucleusList Stitcher::accept(const Core& core, const NucleusList& candidates) {
  forget_above(core);
  std::vector<const Taken*> earlier;
  std::vector<Extent> boxes;
  const Extent around{core.x0 - 2 * band_, core.y0 - 2 * band_, core.x1 + 2 * band_, core.y1 + 2 * band_};
  for (const Taken& taken : taken_) {
    const Extent box{taken.x0, taken.y0, taken.x1, taken.y1};
    if (!box.meets(around)) continue;
    earlier.push_back(&taken);
    boxes.push_back(box);
  }
  const BoxGrid grid(std::move(boxes));

  NucleusList accepted;
  std::vector<Taken> fresh;
  std::vector<std::int32_t> found;
  std::vector<Span> spans, other;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double x = candidates.centroids[2 * i], y = candidates.centroids[2 * i + 1];
    const std::span<const float> ring = candidates.contour(i);
    const Extent box = extent_of(ring);
    const bool seam = near_border(core, box, band_);
    // An earlier window that should own it either took it, as the comparison below finds, or saw it on this side.
    if (!contains(core, x, y) && !(just_outside(core, x, y, band_) && owned_before(x, y))) continue;
    if (seam) {
      grid.find(box, found);
      if (!found.empty()) ring_spans(ring, 1, spans);
      const bool known = std::any_of(found.begin(), found.end(), [&](std::int32_t j) {
        ring_spans(earlier[static_cast<std::size_t>(j)]->ring, 1, other);
        return same_nucleus(spans, other);
      });
      if (known) continue;
      fresh.push_back({static_cast<float>(box.x0),
                       static_cast<float>(box.y0),
                       static_cast<float>(box.x1),
                       static_cast<float>(box.y1),
                       {ring.begin(), ring.end()}});
    }
    accepted.append(candidates, i);
  }
  taken_.insert(taken_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  cores_.push_back(core);
  return accepted;
}

}  // namespace histojet::nuclei
