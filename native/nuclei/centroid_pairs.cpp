#include "nuclei/centroid_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>

#include "base/error.hpp"
#include "nuclei/assignment.hpp"
#include "nuclei/point_tree.hpp"

namespace histojet::nuclei {
namespace {

constexpr std::size_t kMostNeighbours = 16;
constexpr std::size_t kLargestCluster = 512;
/// Points between two looks at the cancellation.
constexpr std::size_t kPointsPerCheck = 4096;

struct Edge {
  std::int32_t truth;
  std::int32_t predicted;
  std::int32_t cluster;  ///< its points' common root
};

bool by_points(const Edge& a, const Edge& b) {
  return std::tie(a.truth, a.predicted) < std::tie(b.truth, b.predicted);
}

class Pairer {
 public:
  Pairer(std::span<const float> truth, std::span<const float> predicted, double radius, const CancelToken& cancel)
      : truth_(truth), predicted_(predicted), radius_(radius), cancel_(cancel) {}

  CentroidPairing run() {
    find_edges();
    join_clusters();
    for (std::size_t start = 0, end; start < edges_.size(); start = end) {
      end = start + 1;
      while (end < edges_.size() && edges_[end].cluster == edges_[start].cluster) ++end;
      if (end == start + 1) {
        result_.pairs.push_back({edges_[start].truth, edges_[start].predicted});
        continue;
      }
      cancel_.throw_if_cancelled();
      solve(std::span(edges_).subspan(start, end - start));
    }
    std::sort(result_.pairs.begin(), result_.pairs.end(),
              [](const CentroidPair& a, const CentroidPair& b) { return a.truth < b.truth; });
    return std::move(result_);
  }

 private:
  double distance(std::int32_t truth, std::int32_t predicted) const {
    const auto t = 2 * static_cast<std::size_t>(truth), p = 2 * static_cast<std::size_t>(predicted);
    const double dx = static_cast<double>(truth_[t]) - predicted_[p];
    const double dy = static_cast<double>(truth_[t + 1]) - predicted_[p + 1];
    return std::sqrt(dx * dx + dy * dy);
  }

  /// Calls `visit(i, j)` for the neighbours j among `others` of every point i. @returns whether some may be missing
  template <class Visit>
  bool for_neighbours(std::span<const float> points, std::span<const float> others, Visit visit) const {
    const PointTree tree(others);
    std::vector<PointTree::Neighbour> near;
    bool cut = false;
    for (std::size_t i = 0; i < points.size() / 2; ++i) {
      if (i % kPointsPerCheck == 0) cancel_.throw_if_cancelled();
      tree.nearest(points[2 * i], points[2 * i + 1], radius_, kMostNeighbours, near);
      cut = cut || near.size() == kMostNeighbours;
      for (const PointTree::Neighbour& one : near) visit(static_cast<std::int32_t>(i), one.index);
    }
    return cut;
  }

  void find_edges() {
    const bool cut = for_neighbours(truth_, predicted_, [&](std::int32_t t, std::int32_t p) {
      edges_.push_back({t, p, 0});
    });
    if (cut) {
      for_neighbours(predicted_, truth_, [&](std::int32_t p, std::int32_t t) { edges_.push_back({t, p, 0}); });
    }
    std::sort(edges_.begin(), edges_.end(), by_points);
    const auto same = [](const Edge& a, const Edge& b) { return a.truth == b.truth && a.predicted == b.predicted; };
    edges_.erase(std::unique(edges_.begin(), edges_.end(), same), edges_.end());
  }

  /// Sorts the edges by clusters that share no point.
  void join_clusters() {
    const std::size_t truths = truth_.size() / 2;
    std::vector<std::int32_t> parent(truths + predicted_.size() / 2);
    std::iota(parent.begin(), parent.end(), 0);
    const auto root = [&](std::size_t i) {
      while (static_cast<std::size_t>(parent[i]) != i) {
        parent[i] = parent[static_cast<std::size_t>(parent[i])];
        i = static_cast<std::size_t>(parent[i]);
      }
      return i;
    };
    for (const Edge& edge : edges_) {
      const std::size_t a = root(static_cast<std::size_t>(edge.truth));
      const std::size_t b = root(truths + static_cast<std::size_t>(edge.predicted));
      // The smaller one stays the root, so that clusters come in the order of their first truth.
      parent[std::max(a, b)] = static_cast<std::int32_t>(std::min(a, b));
    }
    for (Edge& edge : edges_) {
      edge.cluster = static_cast<std::int32_t>(root(static_cast<std::size_t>(edge.truth)));
    }
    std::stable_sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) { return a.cluster < b.cluster; });
  }

  void solve(std::span<Edge> cluster) {
    std::vector<std::int32_t> truths, predictions;
    for (const Edge& edge : cluster) {
      if (truths.empty() || truths.back() != edge.truth) truths.push_back(edge.truth);
      predictions.push_back(edge.predicted);
    }
    std::sort(predictions.begin(), predictions.end());
    predictions.erase(std::unique(predictions.begin(), predictions.end()), predictions.end());
    if (truths.size() + predictions.size() > kLargestCluster) {
      pair_greedily(cluster);
    } else {
      pair_best(truths, predictions);
    }
  }

  void pair_best(const std::vector<std::int32_t>& truths, const std::vector<std::int32_t>& predictions) {
    const bool swapped = truths.size() > predictions.size();
    const std::vector<std::int32_t>& rows = swapped ? predictions : truths;
    const std::vector<std::int32_t>& columns = swapped ? truths : predictions;
    std::vector<double> cost;
    cost.reserve(rows.size() * columns.size());
    for (const std::int32_t row : rows) {
      for (const std::int32_t column : columns) cost.push_back(swapped ? distance(column, row) : distance(row, column));
    }
    const std::vector<int> row_of =
        least_cost_assignment(cost, static_cast<int>(rows.size()), static_cast<int>(columns.size()));
    for (std::size_t column = 0; column < columns.size(); ++column) {
      if (row_of[column] < 0) continue;
      const auto row = static_cast<std::size_t>(row_of[column]);
      if (cost[row * columns.size() + column] > radius_) continue;
      result_.pairs.push_back(swapped ? CentroidPair{columns[column], rows[row]}
                                      : CentroidPair{rows[row], columns[column]});
    }
  }

  void pair_greedily(std::span<Edge> cluster) {
    if (truth_used_.empty()) {
      truth_used_.resize(truth_.size() / 2);
      predicted_used_.resize(predicted_.size() / 2);
    }
    std::stable_sort(cluster.begin(), cluster.end(), [&](const Edge& a, const Edge& b) {
      return distance(a.truth, a.predicted) < distance(b.truth, b.predicted);
    });
    for (const Edge& edge : cluster) {
      const auto truth = static_cast<std::size_t>(edge.truth), predicted = static_cast<std::size_t>(edge.predicted);
      if (truth_used_[truth] || predicted_used_[predicted]) continue;
      truth_used_[truth] = predicted_used_[predicted] = true;
      result_.pairs.push_back({edge.truth, edge.predicted});
      ++result_.greedily_paired;
    }
  }

  std::span<const float> truth_;
  std::span<const float> predicted_;
  double radius_;
  const CancelToken& cancel_;
  std::vector<Edge> edges_;
  std::vector<bool> truth_used_;
  std::vector<bool> predicted_used_;
  CentroidPairing result_;
};

}  // namespace

CentroidPairing pair_centroids(std::span<const float> truth, std::span<const float> predicted, double radius,
                               const CancelToken& cancel) {
  if (!(radius > 0 && std::isfinite(radius))) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: radius must be above 0, got " + std::to_string(radius));
  }
  return Pairer(truth, predicted, radius, cancel).run();
}

}  // namespace histojet::nuclei
