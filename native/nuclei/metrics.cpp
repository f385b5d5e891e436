#include "nuclei/metrics.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/error.hpp"
#include "nuclei/box_grid.hpp"
#include "nuclei/scores.hpp"
#include "nuclei/spans.hpp"

namespace histojet::nuclei {
namespace {

/// Numbers labels 0..n-1 in rising order; background (0 and below) is -1.
class LabelRanks {
 public:
  explicit LabelRanks(std::span<const std::int32_t> labels) {
    std::int32_t last = 0;
    for (const std::int32_t label : labels) {
      if (label != last && label > 0) sorted_.push_back(label);
      last = label;
    }
    std::sort(sorted_.begin(), sorted_.end());
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
  }
  std::size_t count() const { return sorted_.size(); }
  std::int32_t operator()(std::int32_t label) const {
    if (label <= 0) return -1;
    return static_cast<std::int32_t>(std::lower_bound(sorted_.begin(), sorted_.end(), label) - sorted_.begin());
  }

 private:
  std::vector<std::int32_t> sorted_;
};

bool in_order(const Overlap& a, const Overlap& b) {
  return a.truth != b.truth ? a.truth < b.truth : a.predicted < b.predicted;
}

Agreement compare_labels(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted) {
  const LabelRanks truth_rank(truth), predicted_rank(predicted);
  Agreement agreement;
  agreement.truth_areas.resize(truth_rank.count());
  agreement.predicted_areas.resize(predicted_rank.count());
  std::unordered_map<std::uint64_t, std::int64_t> shared;
  // Equal pairs come in runs: each run is looked up once.
  for (std::size_t start = 0, end; start < truth.size(); start = end) {
    end = start + 1;
    while (end < truth.size() && truth[end] == truth[start] && predicted[end] == predicted[start]) ++end;
    const auto length = static_cast<std::int64_t>(end - start);
    const std::int32_t t = truth_rank(truth[start]), p = predicted_rank(predicted[start]);
    if (t >= 0) agreement.truth_areas[static_cast<std::size_t>(t)] += length;
    if (p >= 0) agreement.predicted_areas[static_cast<std::size_t>(p)] += length;
    if (t >= 0 && p >= 0) shared[static_cast<std::uint64_t>(t) << 32 | static_cast<std::uint32_t>(p)] += length;
  }
  for (const auto& [key, count] : shared) {
    agreement.overlaps.push_back(
        {static_cast<std::int32_t>(key >> 32), static_cast<std::int32_t>(key & 0xffffffffu), count});
  }
  std::sort(agreement.overlaps.begin(), agreement.overlaps.end(), in_order);
  return agreement;
}

}  // namespace

Agreement compare_outlines(const NucleusList& truth, const NucleusList& predicted, double pixel) {
  // Outlines are rasterised again whenever a candidate needs them: a slide's pixels would not fit into memory.
  Agreement agreement;
  std::vector<Extent> boxes;
  std::vector<Span> spans, other;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    boxes.push_back(extent_of(predicted.contour(i)));
    ring_spans(predicted.contour(i), pixel, spans);
    agreement.predicted_areas.push_back(pixel_count(spans));
  }
  const BoxGrid grid(std::move(boxes));
  std::vector<std::int32_t> near;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ring_spans(truth.contour(i), pixel, spans);
    agreement.truth_areas.push_back(pixel_count(spans));
    grid.find(extent_of(truth.contour(i)), near);
    for (const std::int32_t j : near) {
      ring_spans(predicted.contour(static_cast<std::size_t>(j)), pixel, other);
      const std::int64_t shared = shared_pixels(spans, other);
      if (shared > 0) agreement.overlaps.push_back({static_cast<std::int32_t>(i), j, shared});
    }
  }
  return agreement;
}

Scores score_labels(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted, std::int64_t height,
                    std::int64_t width) {
  const bool fits =
      height >= 0 && width >= 0 && truth.size() == predicted.size() &&
      (height == 0 || truth.size() / static_cast<std::size_t>(height) == static_cast<std::size_t>(width)) &&
      truth.size() == static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  if (!fits) {
    throw Error(ErrorCode::kShapeMismatch, "nuclei: expected two label images of " + std::to_string(height) + " x " +
                                               std::to_string(width) + " pixels, got " + std::to_string(truth.size()) +
                                               " and " + std::to_string(predicted.size()) + " values");
  }
  return scores_of(compare_labels(truth, predicted), Pairing::kOptimal);
}

Scores score_outlines(const NucleusList& truth, const NucleusList& predicted, double pixel) {
  if (!(pixel > 0)) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: pixel must be above 0, got " + std::to_string(pixel));
  }
  return scores_of(compare_outlines(truth, predicted, pixel), Pairing::kGreedy);
}

}  // namespace histojet::nuclei
