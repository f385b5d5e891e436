#include "nuclei/type_scores.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <numeric>
#include <random>

#include "base/error.hpp"
#include "nuclei/assignment.hpp"
#include "nuclei/centroid_pairs.hpp"
#include "nuclei/point_tree.hpp"

namespace histojet::nuclei {
namespace {

using Points = std::vector<float>;

/// Adds a square with its upper left corner at (x, y).
void add_square(NucleusList& list, float x, float y, float side, std::uint8_t type) {
  list.centroids.insert(list.centroids.end(), {x + side / 2, y + side / 2});
  list.boxes.insert(list.boxes.end(), {x, y, x + side, y + side});
  list.areas.push_back(side * side);
  list.types.push_back(type);
  list.contour_points.insert(list.contour_points.end(), {x, y, x + side, y, x + side, y + side, x, y + side});
  list.contour_starts.push_back(list.contour_points.size() / 2);
}

double distance(const Points& a, const Points& b, std::int32_t i, std::int32_t j) {
  const auto at = [](const Points& points, std::int32_t index, std::size_t axis) {
    return static_cast<double>(points[2 * static_cast<std::size_t>(index) + axis]);
  };
  const double dx = at(a, i, 0) - at(b, j, 0), dy = at(a, i, 1) - at(b, j, 1);
  return std::sqrt(dx * dx + dy * dy);
}

Points random_points(std::mt19937& random, std::size_t count, unsigned extent) {
  Points points;
  for (std::size_t i = 0; i < 2 * count; ++i) points.push_back(static_cast<float>(random() % (4 * extent)) / 4);
  return points;
}

std::vector<std::pair<int, int>> as_pairs(const CentroidPairing& pairing) {
  std::vector<std::pair<int, int>> pairs;
  for (const CentroidPair& pair : pairing.pairs) pairs.emplace_back(pair.truth, pair.predicted);
  return pairs;
}

/// The reference's way on a whole set: every order of the larger side is tried for the least total distance.
/// @returns distances of the pairs kept, rising
std::vector<double> brute_force(const Points& truth, const Points& predicted, double radius) {
  const bool swapped = truth.size() > predicted.size();
  const Points &rows = swapped ? predicted : truth, &columns = swapped ? truth : predicted;
  std::vector<std::int32_t> order(columns.size() / 2), best;
  std::iota(order.begin(), order.end(), 0);
  double least = std::numeric_limits<double>::infinity();
  do {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size() / 2; ++i) sum += distance(rows, columns, static_cast<int>(i), order[i]);
    if (sum < least) {
      least = sum;
      best = order;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  std::vector<double> kept;
  for (std::size_t i = 0; i < rows.size() / 2; ++i) {
    const double d = distance(rows, columns, static_cast<int>(i), best[i]);
    if (d <= radius) kept.push_back(d);
  }
  return kept;
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(CentroidPairs, RadiusIsIncluded) {
  EXPECT_EQ(as_pairs(pair_centroids(Points{0, 0}, Points{12, 0}, 12)), (std::vector<std::pair<int, int>>{{0, 0}}));
  EXPECT_TRUE(pair_centroids(Points{0, 0}, Points{12.01f, 0}, 12).pairs.empty());
  EXPECT_TRUE(pair_centroids({}, Points{1, 1}, 12).pairs.empty());
  EXPECT_TRUE(pair_centroids(Points{1, 1}, {}, 12).pairs.empty());
}

TEST(CentroidPairs, LeastTotalIsNotTheNearestFirst) {
  // Nearest first would pair 0 with 1 (4 px) and leave 1 with 0 (23 px, too far); the sum of the others is smaller.
  const Points truth{0, 0, 14, 0}, predicted{-8, 6, 4, 0};
  EXPECT_EQ(as_pairs(pair_centroids(truth, predicted, 12)), (std::vector<std::pair<int, int>>{{0, 0}, {1, 1}}));
}

TEST(CentroidPairs, OneToOne) {
  const Points truth{0, 0}, predicted{3, 0, 1, 0, 2, 0};
  EXPECT_EQ(as_pairs(pair_centroids(truth, predicted, 12)), (std::vector<std::pair<int, int>>{{0, 1}}));
  EXPECT_EQ(as_pairs(pair_centroids(predicted, truth, 12)), (std::vector<std::pair<int, int>>{{1, 0}}));
}

TEST(CentroidPairs, EqualBruteForceWithinOneCluster) {
  // All points within the radius of one another, or all in one chain: what the reference does on the whole set.
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const Points truth = random_points(random, 1 + random() % 6, 8),
                 predicted = random_points(random, 1 + random() % 6, 8);
    const CentroidPairing pairing = pair_centroids(truth, predicted, 12);
    std::vector<double> found;
    for (const CentroidPair& pair : pairing.pairs)
      found.push_back(distance(truth, predicted, pair.truth, pair.predicted));
    const std::vector<double> expected = brute_force(truth, predicted, 12);
    EXPECT_EQ(found.size(), expected.size());
    EXPECT_NEAR(sum_of(found), sum_of(expected), 1e-9);
  }
}

TEST(CentroidPairs, ClustersDoNotTradeSurplus) {
  // Two clusters far apart, one with a surplus truth, one with a surplus prediction: both keep their nearest pair.
  const Points truth{0, 0, 1, 0, 1000, 0}, predicted{1, 0, 1000, 0, 1008, 0};
  EXPECT_EQ(as_pairs(pair_centroids(truth, predicted, 12)), (std::vector<std::pair<int, int>>{{1, 0}, {2, 1}}));
}

TEST(CentroidPairs, ManyClustersEqualOneAssignment) {
  // Jittered grid: one prediction per truth, so that the assignment over all points has nothing to trade.
  std::mt19937 random(9);
  Points truth, predicted;
  for (int i = 0; i < 400; ++i) {
    const auto x = static_cast<float>(14 * (i % 20)), y = static_cast<float>(14 * (i / 20));
    truth.insert(truth.end(), {x, y});
    predicted.insert(predicted.end(), {x + static_cast<float>(random() % 800) / 100 - 4,
                                       y + static_cast<float>(random() % 800) / 100 - 4});
  }
  std::vector<double> cost;
  for (int i = 0; i < 400; ++i) {
    for (int j = 0; j < 400; ++j) cost.push_back(distance(truth, predicted, i, j));
  }
  const std::vector<int> row_of = least_cost_assignment(cost, 400, 400);
  double expected = 0;
  std::size_t count = 0;
  for (int j = 0; j < 400; ++j) {
    const double d = distance(truth, predicted, row_of[static_cast<std::size_t>(j)], j);
    if (d > 8) continue;
    expected += d;
    ++count;
  }
  const CentroidPairing pairing = pair_centroids(truth, predicted, 8);
  double found = 0;
  for (const CentroidPair& pair : pairing.pairs) found += distance(truth, predicted, pair.truth, pair.predicted);
  EXPECT_EQ(pairing.pairs.size(), count);
  EXPECT_NEAR(found, expected, 1e-9);
  EXPECT_EQ(pairing.greedily_paired, 0);
}

TEST(CentroidPairs, PointsThatAreNoNumbersHaveNoPair) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const Points points{nan, 0, 0, infinity, 5, 5};
  EXPECT_EQ(as_pairs(pair_centroids(points, points, 12)), (std::vector<std::pair<int, int>>{{2, 2}}));
  EXPECT_THROW(pair_centroids(points, points, 0), Error);
  EXPECT_THROW(pair_centroids(points, points, nan), Error);
  EXPECT_THROW(pair_centroids(points, points, infinity), Error);
}

TEST(CentroidPairs, HeapedPointsStayFeasible) {
  const Points heap(2 * 100000, 7.0f);
  const auto start = std::chrono::steady_clock::now();
  const CentroidPairing pairing = pair_centroids(heap, heap, 12);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_FALSE(pairing.pairs.empty());
  EXPECT_EQ(pairing.greedily_paired, static_cast<std::int64_t>(pairing.pairs.size()));
  RecordProperty("milliseconds", static_cast<int>(1000 * seconds.count()));
}

TEST(CentroidPairs, LargeChainsArePairedGreedily) {
  Points truth, predicted;
  for (int i = 0; i < 2000; ++i) {
    truth.insert(truth.end(), {static_cast<float>(10 * i), 0.0f});
    predicted.insert(predicted.end(), {static_cast<float>(10 * i + 1), 0.0f});
  }
  const CentroidPairing pairing = pair_centroids(truth, predicted, 12);
  ASSERT_EQ(pairing.pairs.size(), 2000u);
  EXPECT_EQ(pairing.greedily_paired, 2000);
  for (const CentroidPair& pair : pairing.pairs) EXPECT_EQ(pair.truth, pair.predicted);
}

TEST(CentroidPairs, Cancel) {
  CancelSource source;
  source.cancel();
  EXPECT_THROW(pair_centroids(Points{0, 0}, Points{0, 0}, 12, source.token()), Cancelled);
}

TEST(PointTree, FindsWhatALoopFinds) {
  std::mt19937 random(3);
  for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 50u, 1000u}) {
    const Points points = random_points(random, count, 40);
    const PointTree tree(points);
    std::vector<PointTree::Neighbour> found;
    for (int round = 0; round < 50; ++round) {
      const Points at = random_points(random, 1, 40);
      std::vector<PointTree::Neighbour> expected;
      for (std::size_t i = 0; i < count; ++i) {
        const double d = distance(points, at, static_cast<int>(i), 0);
        if (d <= 9) expected.push_back({d, static_cast<std::int32_t>(i)});
      }
      std::sort(expected.begin(), expected.end());
      tree.nearest(at[0], at[1], 9, count + 1, found);
      EXPECT_TRUE(found == expected);
      tree.nearest(at[0], at[1], 9, 3, found);
      ASSERT_EQ(found.size(), std::min<std::size_t>(3, expected.size()));
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].distance, expected[i].distance);
    }
  }
}

/// Five nuclei of 10 px against five: worked out by hand.
TEST(TypeScores, ByHand) {
  NucleusList truth, predicted;
  add_square(truth, 0, 0, 10, 1);    // found where it is
  add_square(truth, 100, 0, 10, 1);  // found, but as type 2
  add_square(truth, 200, 0, 10, 2);  // found 2 px to the right: 80 of 120 pixels
  add_square(truth, 300, 0, 10, 2);  // missed
  add_square(truth, 400, 0, 10, 1);  // found 8 px below: a pair, but only 20 of 180 pixels
  add_square(predicted, 0, 0, 10, 1);
  add_square(predicted, 100, 0, 10, 2);
  add_square(predicted, 202, 0, 10, 2);
  add_square(predicted, 400, 8, 10, 1);
  add_square(predicted, 500, 0, 10, 3);  // nothing is there
  const TypeScores scores = score_types(truth, predicted);
  EXPECT_EQ(scores.paired, 4);
  EXPECT_EQ(scores.unpaired_truth, 1);
  EXPECT_EQ(scores.unpaired_predicted, 1);
  EXPECT_DOUBLE_EQ(scores.detection_f1, 8 / 10.0);
  EXPECT_DOUBLE_EQ(scores.accuracy, 3 / 4.0);
  ASSERT_EQ(scores.types.size(), 3u);

  const TypeScore &one = scores.types[0], &two = scores.types[1], &three = scores.types[2];
  EXPECT_EQ(one.type, 1);
  EXPECT_EQ(one.agreeing, 2);
  EXPECT_EQ(one.only_truth, 1);
  EXPECT_EQ(one.only_predicted + one.unpaired_predicted + one.unpaired_truth, 0);
  EXPECT_DOUBLE_EQ(one.f1, 4 / 6.0);
  // Of three true and two predicted ones, one pair reaches half: DQ = 1 / (1 + 1/2 + 2/2).
  EXPECT_EQ(one.segmentation.truth_count, 3);
  EXPECT_EQ(one.segmentation.predicted_count, 2);
  EXPECT_DOUBLE_EQ(one.segmentation.dq, 1 / 2.5);
  EXPECT_NEAR(one.segmentation.sq, 1, 1e-5);

  EXPECT_EQ(two.agreeing, 1);
  EXPECT_EQ(two.only_predicted, 1);
  EXPECT_EQ(two.unpaired_truth, 1);
  EXPECT_DOUBLE_EQ(two.f1, 2 / (2 + 2 + 1.0));
  EXPECT_DOUBLE_EQ(two.segmentation.dq, 1 / (1 + 0.5 + 0.5));
  EXPECT_NEAR(two.segmentation.sq, 80 / 120.0, 1e-5);

  EXPECT_EQ(three.type, 3);
  EXPECT_EQ(three.unpaired_predicted, 1);
  EXPECT_EQ(three.f1, 0);
  EXPECT_EQ(three.segmentation.pq, 0);

  // Type 3 does not occur in the truth.
  EXPECT_DOUBLE_EQ(scores.mean_dq, (1 / 2.5 + 1 / 2.0) / 2);
  EXPECT_NEAR(scores.mean_pq, (1 / 2.5 + 80 / 120.0 / 2) / 2, 1e-5);
  EXPECT_EQ(scores.greedily_paired, 0);
}

TEST(TypeScores, EqualScoresOfEachTypeAlone) {
  std::mt19937 random(2);
  NucleusList truth, predicted;
  std::vector<NucleusList> truth_of(4), predicted_of(4);
  for (int i = 0; i < 300; ++i) {
    const auto x = static_cast<float>(25 * (i % 20)), y = static_cast<float>(25 * (i / 20));
    const auto shift = static_cast<float>(random() % 8);
    const unsigned t = random() % 4, p = random() % 3 ? t : random() % 4;
    if (random() % 8) {
      add_square(truth, x, y, 20, static_cast<std::uint8_t>(t));
      add_square(truth_of[t], x, y, 20, static_cast<std::uint8_t>(t));
    }
    if (random() % 8) {
      add_square(predicted, x + shift, y, 20, static_cast<std::uint8_t>(p));
      add_square(predicted_of[p], x + shift, y, 20, static_cast<std::uint8_t>(p));
    }
  }
  const TypeScores scores = score_types(truth, predicted);
  ASSERT_EQ(scores.types.size(), 4u);
  double sum = 0;
  for (const TypeScore& type : scores.types) {
    const Scores alone = score_outlines(truth_of[type.type], predicted_of[type.type]);
    EXPECT_DOUBLE_EQ(type.segmentation.pq, alone.pq);
    EXPECT_DOUBLE_EQ(type.segmentation.aji, alone.aji);
    EXPECT_DOUBLE_EQ(type.segmentation.aji_plus, alone.aji_plus);
    EXPECT_DOUBLE_EQ(type.segmentation.dice, alone.dice);
    EXPECT_EQ(type.segmentation.matched, alone.matched);
    sum += alone.pq;
    const auto size = static_cast<std::int64_t>(truth_of[type.type].size());
    EXPECT_EQ(type.agreeing + type.only_truth + type.unpaired_truth, size);
  }
  EXPECT_DOUBLE_EQ(scores.mean_pq, sum / 4);
}

TEST(TypeScores, EmptyAndWrong) {
  NucleusList typed, untyped;
  add_square(typed, 0, 0, 10, 4);
  add_square(untyped, 0, 0, 10, 4);
  untyped.types.clear();
  const TypeScores nothing = score_types({}, {});
  EXPECT_EQ(nothing.detection_f1, 1);
  EXPECT_EQ(nothing.mean_pq, 1);
  EXPECT_EQ(nothing.accuracy, 1);
  const TypeScores missed = score_types(typed, {}), invented = score_types({}, typed);
  EXPECT_EQ(missed.detection_f1 + missed.accuracy + missed.mean_pq + missed.types.at(0).f1, 0);
  EXPECT_EQ(missed.types.at(0).unpaired_truth, 1);
  EXPECT_EQ(invented.detection_f1 + invented.accuracy + invented.mean_pq, 0);
  EXPECT_EQ(invented.types.at(0).unpaired_predicted, 1);
  EXPECT_THROW(score_types(typed, untyped), Error);
  EXPECT_THROW(score_types(untyped, typed), Error);
  EXPECT_THROW(score_types(typed, typed, {0, 1}), Error);
  EXPECT_THROW(score_types(typed, typed, {12, 0}), Error);
}

}  // namespace
}  // namespace histojet::nuclei
