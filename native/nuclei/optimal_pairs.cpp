#include <algorithm>
#include <numeric>

#include "nuclei/assignment.hpp"
#include "nuclei/scores.hpp"

namespace histojet::nuclei {
namespace {

constexpr std::size_t kLargestCluster = 2000;

/// Overlaps grouped into clusters that share no object: each can be solved alone.
std::vector<std::vector<std::size_t>> clusters_of(const Agreement& a) {
  const std::size_t truths = a.truth_areas.size();
  std::vector<std::size_t> parent(truths + a.predicted_areas.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (const Overlap& overlap : a.overlaps) {
    parent[root(static_cast<std::size_t>(overlap.truth))] = root(truths + static_cast<std::size_t>(overlap.predicted));
  }
  std::vector<std::vector<std::size_t>> clusters;
  std::vector<std::size_t> cluster_of(parent.size(), parent.size());
  for (std::size_t i = 0; i < a.overlaps.size(); ++i) {
    std::size_t& cluster = cluster_of[root(static_cast<std::size_t>(a.overlaps[i].truth))];
    if (cluster == parent.size()) {
      cluster = clusters.size();
      clusters.emplace_back();
    }
    clusters[cluster].push_back(i);
  }
  return clusters;
}

std::vector<std::int32_t> distinct(std::vector<std::int32_t> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

void solve(const Agreement& a, const std::vector<std::size_t>& cluster, std::vector<std::size_t>& pairs) {
  std::vector<std::int32_t> rows, columns;
  for (const std::size_t i : cluster) {
    rows.push_back(a.overlaps[i].truth);
    columns.push_back(a.overlaps[i].predicted);
  }
  rows = distinct(std::move(rows));
  columns = distinct(std::move(columns));
  if (rows.size() + columns.size() > kLargestCluster) {
    const std::vector<std::size_t> greedy = greedy_pairs(a, cluster);
    pairs.insert(pairs.end(), greedy.begin(), greedy.end());
    return;
  }
  const bool swapped = rows.size() > columns.size();
  const std::size_t width = std::max(rows.size(), columns.size());
  std::vector<double> cost(rows.size() * columns.size());
  std::vector<std::size_t> overlap_at(cost.size(), a.overlaps.size());
  for (const std::size_t i : cluster) {
    const auto rank = [](const std::vector<std::int32_t>& sorted, std::int32_t value) {
      return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
    };
    const std::size_t truth = rank(rows, a.overlaps[i].truth), predicted = rank(columns, a.overlaps[i].predicted);
    const std::size_t at = swapped ? predicted * width + truth : truth * width + predicted;
    cost[at] = -softened_iou(a, a.overlaps[i]);
    overlap_at[at] = i;
  }
  const std::vector<int> row_of =
      least_cost_assignment(cost, static_cast<int>(std::min(rows.size(), columns.size())), static_cast<int>(width));
  for (std::size_t column = 0; column < width; ++column) {
    if (row_of[column] < 0) continue;
    const std::size_t i = overlap_at[static_cast<std::size_t>(row_of[column]) * width + column];
    if (i < a.overlaps.size()) pairs.push_back(i);
  }
}

}  // namespace

std::vector<std::size_t> optimal_pairs(const Agreement& agreement) {
  std::vector<std::size_t> pairs;
  for (const std::vector<std::size_t>& cluster : clusters_of(agreement)) {
    if (cluster.size() == 1) {
      pairs.push_back(cluster.front());
    } else {
      solve(agreement, cluster, pairs);
    }
  }
  return pairs;
}

}  // namespace histojet::nuclei
