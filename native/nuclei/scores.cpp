#include "nuclei/scores.hpp"

#include <algorithm>
#include <numeric>

namespace histojet::nuclei {
namespace {

/// hover_net adds this to denominators that may be 0.
constexpr double kTiny = 1.0e-6;

std::int64_t joint_pixels(const Agreement& a, const Overlap& overlap) {
  return a.truth_areas[static_cast<std::size_t>(overlap.truth)] +
         a.predicted_areas[static_cast<std::size_t>(overlap.predicted)] - overlap.shared;
}

/// Shared pixels of the pairs over all pixels of the pairs and of the objects that no pair uses.
double jaccard(const Agreement& a, const std::vector<std::size_t>& pairs) {
  std::vector<bool> truth_used(a.truth_areas.size()), predicted_used(a.predicted_areas.size());
  std::int64_t shared = 0, joint = 0;
  for (const std::size_t i : pairs) {
    const Overlap& overlap = a.overlaps[i];
    shared += overlap.shared;
    joint += joint_pixels(a, overlap);
    truth_used[static_cast<std::size_t>(overlap.truth)] = true;
    predicted_used[static_cast<std::size_t>(overlap.predicted)] = true;
  }
  for (std::size_t i = 0; i < truth_used.size(); ++i) joint += truth_used[i] ? 0 : a.truth_areas[i];
  for (std::size_t i = 0; i < predicted_used.size(); ++i) joint += predicted_used[i] ? 0 : a.predicted_areas[i];
  return static_cast<double>(shared) / static_cast<double>(joint);
}

/// For every true object the predicted one of highest IoU, the first of equals; one may serve several.
std::vector<std::size_t> best_per_truth(const Agreement& a) {
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < a.overlaps.size(); ++i) {
    if (best.empty() || a.overlaps[best.back()].truth != a.overlaps[i].truth) {
      best.push_back(i);
    } else if (softened_iou(a, a.overlaps[i]) > softened_iou(a, a.overlaps[best.back()])) {
      best.back() = i;
    }
  }
  return best;
}

/// Detection, segmentation and panoptic quality: pairs of IoU above one half, of which an object has at most one.
void add_panoptic(const Agreement& a, Scores& scores) {
  double iou_sum = 0;
  for (const Overlap& overlap : a.overlaps) {
    const double iou = static_cast<double>(overlap.shared) / static_cast<double>(joint_pixels(a, overlap));
    if (iou <= 0.5) continue;
    iou_sum += iou;
    ++scores.matched;
  }
  const double matched = static_cast<double>(scores.matched);
  const double missed = static_cast<double>(scores.truth_count) - matched;
  const double spurious = static_cast<double>(scores.predicted_count) - matched;
  scores.dq = matched / (matched + 0.5 * spurious + 0.5 * missed);
  scores.sq = iou_sum / (matched + kTiny);
  scores.pq = scores.dq * scores.sq;
}

}  // namespace

double softened_iou(const Agreement& a, const Overlap& overlap) {
  return static_cast<double>(overlap.shared) / (static_cast<double>(joint_pixels(a, overlap)) + kTiny);
}

std::vector<std::size_t> greedy_pairs(const Agreement& a, std::vector<std::size_t> overlaps) {
  std::stable_sort(overlaps.begin(), overlaps.end(), [&](std::size_t i, std::size_t j) {
    return softened_iou(a, a.overlaps[i]) > softened_iou(a, a.overlaps[j]);
  });
  std::vector<bool> truth_used(a.truth_areas.size()), predicted_used(a.predicted_areas.size());
  std::vector<std::size_t> pairs;
  for (const std::size_t i : overlaps) {
    const auto truth = static_cast<std::size_t>(a.overlaps[i].truth);
    const auto predicted = static_cast<std::size_t>(a.overlaps[i].predicted);
    if (truth_used[truth] || predicted_used[predicted]) continue;
    truth_used[truth] = predicted_used[predicted] = true;
    pairs.push_back(i);
  }
  return pairs;
}

Scores scores_of(const Agreement& a, Pairing pairing) {
  Scores scores;
  scores.truth_count = static_cast<std::int64_t>(a.truth_areas.size());
  scores.predicted_count = static_cast<std::int64_t>(a.predicted_areas.size());
  if (a.truth_areas.empty() && a.predicted_areas.empty()) {
    scores.dice = scores.aji = scores.aji_plus = scores.dq = scores.sq = scores.pq = scores.dice2 = 1;
    return scores;
  }
  if (a.truth_areas.empty() || a.predicted_areas.empty()) return scores;
  std::int64_t shared = 0, pair_pixels = 0;
  for (const Overlap& overlap : a.overlaps) {
    shared += overlap.shared;
    pair_pixels += joint_pixels(a, overlap) + overlap.shared;
  }
  const std::int64_t pixels = std::accumulate(a.truth_areas.begin(), a.truth_areas.end(), std::int64_t{0}) +
                              std::accumulate(a.predicted_areas.begin(), a.predicted_areas.end(), std::int64_t{0});
  scores.dice = pixels == 0 ? 0 : 2.0 * static_cast<double>(shared) / static_cast<double>(pixels);
  scores.dice2 = pair_pixels == 0 ? 0 : 2.0 * static_cast<double>(shared) / static_cast<double>(pair_pixels);
  if (pixels > 0) {
    scores.aji = jaccard(a, best_per_truth(a));
    std::vector<std::size_t> all(a.overlaps.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    scores.aji_plus = jaccard(a, pairing == Pairing::kOptimal ? optimal_pairs(a) : greedy_pairs(a, std::move(all)));
  }
  add_panoptic(a, scores);
  return scores;
}

}  // namespace histojet::nuclei
