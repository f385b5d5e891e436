#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/metrics.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

struct TypeScoreOptions {
  double radius = 12;  ///< farthest distance of paired centroids, in the lists' units; HoVer-Net's 12 px at 40x
  double pixel = 1;    ///< side of the counting grid, in the lists' units
};

/// How well one type was found.
struct TypeScore {
  std::uint8_t type = 0;
  /// Nuclei of this type in the prediction against those of the same type in the truth.
  Scores segmentation;
  /// F_t = 2 TP / (2 TP + 2 FP + 2 FN + FP_d + FN_d) of the counts below.
  double f1 = 0;
  std::int64_t agreeing = 0;            ///< TP: pairs where both are of this type
  std::int64_t only_predicted = 0;      ///< FP: pairs where the truth is of another type
  std::int64_t only_truth = 0;          ///< FN: pairs where the prediction is of another type
  std::int64_t unpaired_predicted = 0;  ///< FP_d: nuclei of the prediction without a pair
  std::int64_t unpaired_truth = 0;      ///< FN_d: nuclei of the truth without a pair
};

/// Agreement of two typed segmentations.
struct TypeScores {
  std::vector<TypeScore> types;  ///< every type of either list, rising
  /// Means over the types that occur in the truth; 0 when none does, 1 when both lists are empty.
  double mean_dq = 0;
  double mean_sq = 0;
  double mean_pq = 0;
  double detection_f1 = 0;  ///< F_d = 2 pairs / (2 pairs + unpaired ones of both lists); 1 when both are empty
  double accuracy = 0;      ///< share of the pairs whose types agree; 0 without pairs, 1 when both lists are empty
  std::int64_t paired = 0;
  std::int64_t unpaired_truth = 0;
  std::int64_t unpaired_predicted = 0;
  std::int64_t greedily_paired = 0;  ///< of the pairs, see pair_centroids()
};

/// HoVer-Net's scores of types (spec section 10; hover_net compute_stats.py): detection and classification by paired
/// centroids, see pair_centroids(), and the panoptic quality of each type alone. Type 0 counts like any other. TN of
/// the reference's F_t is left out: it counts among pairs where at least one side has the type, so it is always 0.
/// @throws Error kInvalidArgument when a list that is not empty has no types, or an option is not above 0; Cancelled.
TypeScores score_types(const NucleusList& truth, const NucleusList& predicted, const TypeScoreOptions& options = {},
                       const CancelToken& cancel = {});

}  // namespace histojet::nuclei
