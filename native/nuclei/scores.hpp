#pragma once

#include <cstdint>
#include <vector>

#include "nuclei/metrics.hpp"

namespace histojet::nuclei {

/// A true and a predicted object that share pixels; indices from 0.
struct Overlap {
  std::int32_t truth;
  std::int32_t predicted;
  std::int64_t shared;
};

/// All that the scores depend on.
struct Agreement {
  std::vector<std::int64_t> truth_areas;
  std::vector<std::int64_t> predicted_areas;
  std::vector<Overlap> overlaps;  ///< sorted by truth, then predicted
};

/// What two lists of outlines share, counted on a grid of squares with the side `pixel` (in the lists' units, above 0).
Agreement compare_outlines(const NucleusList& truth, const NucleusList& predicted, double pixel);

/// How AJI+ pairs the objects.
enum class Pairing {
  kOptimal,  ///< largest sum of IoU (Kuhn-Munkres within each cluster of overlapping objects; greedy in clusters too
             ///< large for it)
  kGreedy    ///< by falling IoU, the earlier overlap first
};

/// HoverNet's scores (spec section 10; hover_net metrics/stats_utils.py). Two empty segmentations agree: all scores 1;
/// where only one is empty, all are 0.
Scores scores_of(const Agreement& agreement, Pairing pairing);

/// IoU as hover_net divides for AJI: with 1e-6 added to the joint pixels.
double softened_iou(const Agreement& agreement, const Overlap& overlap);

/// One-to-one pairs of some overlaps by falling IoU, the earlier one first; indices into `agreement.overlaps`.
std::vector<std::size_t> greedy_pairs(const Agreement& agreement, std::vector<std::size_t> overlaps);

/// One-to-one pairs with the largest sum of IoU; indices into `agreement.overlaps`. Clusters of more than 2000 objects
/// that overlap one another in a chain are paired greedily, because their cost matrix would grow with the square.
std::vector<std::size_t> optimal_pairs(const Agreement& agreement);

}  // namespace histojet::nuclei
