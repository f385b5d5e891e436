#include "nuclei/type_scores.hpp"

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "nuclei/centroid_pairs.hpp"
#include "nuclei/scores.hpp"

namespace histojet::nuclei {
namespace {

constexpr std::size_t kTypes = 256;

void require_types(const NucleusList& list, const char* name) {
  if (list.size() == 0 || list.types.size() == list.size()) return;
  throw Error(ErrorCode::kInvalidArgument, std::string("nuclei: the ") + name + " has no types to compare");
}

/// The objects and overlaps of each type alone, with indices of their own.
std::vector<Agreement> split_by_type(const Agreement& all, const NucleusList& truth, const NucleusList& predicted) {
  std::vector<Agreement> split(kTypes);
  const auto rank = [](const std::vector<std::uint8_t>& types, const std::vector<std::int64_t>& areas, auto list_of) {
    std::vector<std::int32_t> ranks;
    ranks.reserve(types.size());
    for (std::size_t i = 0; i < types.size(); ++i) {
      std::vector<std::int64_t>& list = list_of(types[i]);
      ranks.push_back(static_cast<std::int32_t>(list.size()));
      list.push_back(areas[i]);
    }
    return ranks;
  };
  const auto truth_rank = rank(
      truth.types, all.truth_areas, [&](std::uint8_t type) -> auto& { return split[type].truth_areas; });
  const auto predicted_rank = rank(
      predicted.types, all.predicted_areas, [&](std::uint8_t type) -> auto& { return split[type].predicted_areas; });
  for (const Overlap& overlap : all.overlaps) {
    const auto t = static_cast<std::size_t>(overlap.truth), p = static_cast<std::size_t>(overlap.predicted);
    if (truth.types[t] != predicted.types[p]) continue;
    split[truth.types[t]].overlaps.push_back({truth_rank[t], predicted_rank[p], overlap.shared});
  }
  return split;
}

/// Counts of the classification, by type.
void count_types(const NucleusList& truth, const NucleusList& predicted, const std::vector<CentroidPair>& pairs,
                 std::vector<TypeScore>& by_type) {
  // Everything is unpaired until a pair says otherwise.
  for (const std::uint8_t type : truth.types) ++by_type[type].unpaired_truth;
  for (const std::uint8_t type : predicted.types) ++by_type[type].unpaired_predicted;
  for (const CentroidPair& pair : pairs) {
    const std::uint8_t t = truth.types[static_cast<std::size_t>(pair.truth)];
    const std::uint8_t p = predicted.types[static_cast<std::size_t>(pair.predicted)];
    --by_type[t].unpaired_truth;
    --by_type[p].unpaired_predicted;
    if (t == p) {
      ++by_type[t].agreeing;
    } else {
      ++by_type[t].only_truth;
      ++by_type[p].only_predicted;
    }
  }
}

double f1_of(const TypeScore& score) {
  const auto agreeing = static_cast<double>(2 * score.agreeing);
  const auto wrong = static_cast<double>(2 * (score.only_predicted + score.only_truth) + score.unpaired_predicted +
                                         score.unpaired_truth);
  return agreeing / (agreeing + wrong);
}

/// Members that follow from the pairs alone.
void add_detection(TypeScores& scores, std::size_t truths, std::size_t predictions, std::int64_t agreeing) {
  scores.unpaired_truth = static_cast<std::int64_t>(truths) - scores.paired;
  scores.unpaired_predicted = static_cast<std::int64_t>(predictions) - scores.paired;
  if (truths + predictions == 0) {
    scores.detection_f1 = scores.accuracy = scores.mean_dq = scores.mean_sq = scores.mean_pq = 1;
    return;
  }
  scores.detection_f1 = 2 * static_cast<double>(scores.paired) / static_cast<double>(truths + predictions);
  if (scores.paired > 0) scores.accuracy = static_cast<double>(agreeing) / static_cast<double>(scores.paired);
}

/// Means over the types of the truth.
void add_means(TypeScores& scores) {
  double dq = 0, sq = 0, pq = 0, count = 0;
  for (const TypeScore& type : scores.types) {
    if (type.segmentation.truth_count == 0) continue;
    dq += type.segmentation.dq;
    sq += type.segmentation.sq;
    pq += type.segmentation.pq;
    ++count;
  }
  if (count == 0) return;
  scores.mean_dq = dq / count;
  scores.mean_sq = sq / count;
  scores.mean_pq = pq / count;
}

}  // namespace

TypeScores score_types(const NucleusList& truth, const NucleusList& predicted, const TypeScoreOptions& options,
                       const CancelToken& cancel) {
  require_types(truth, "truth");
  require_types(predicted, "prediction");
  if (!(options.pixel > 0)) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: pixel must be above 0, got " + std::to_string(options.pixel));
  }
  const CentroidPairing pairing = pair_centroids(truth.centroids, predicted.centroids, options.radius, cancel);
  std::vector<TypeScore> by_type(kTypes);
  count_types(truth, predicted, pairing.pairs, by_type);
  cancel.throw_if_cancelled();
  const std::vector<Agreement> agreements =
      split_by_type(compare_outlines(truth, predicted, options.pixel), truth, predicted);
  TypeScores scores;
  scores.paired = static_cast<std::int64_t>(pairing.pairs.size());
  scores.greedily_paired = pairing.greedily_paired;
  std::int64_t agreeing = 0;
  for (std::size_t type = 0; type < kTypes; ++type) {
    const Agreement& agreement = agreements[type];
    if (agreement.truth_areas.empty() && agreement.predicted_areas.empty()) continue;
    TypeScore& score = by_type[type];
    score.type = static_cast<std::uint8_t>(type);
    score.segmentation = scores_of(agreement, Pairing::kGreedy);
    score.f1 = f1_of(score);
    agreeing += score.agreeing;
    scores.types.push_back(score);
  }
  add_detection(scores, truth.size(), predicted.size(), agreeing);
  add_means(scores);
  return scores;
}

}  // namespace histojet::nuclei
