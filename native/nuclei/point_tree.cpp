#include "nuclei/point_tree.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::nuclei {
namespace {

/// Ranges up to this length are searched point by point.
constexpr std::size_t kLeaf = 8;

}  // namespace

struct PointTree::Search {
  double x;
  double y;
  double radius;
  std::size_t most;
  std::vector<Neighbour>& heap;  ///< the worst one first

  bool full() const { return heap.size() == most; }
  /// Whether a point at least `distance` away could still be among the results. Equal distances do not count once the
  /// heap is full: otherwise coinciding points would all be visited.
  bool reaches(double distance) const { return full() ? distance < heap.front().distance : distance <= radius; }

  void offer(const Point& point) {
    const double dx = x - point.x, dy = y - point.y;
    const double distance = std::sqrt(dx * dx + dy * dy);
    if (distance > radius || (full() && !(Neighbour{distance, point.index} < heap.front()))) return;
    if (full()) {
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
    heap.push_back({distance, point.index});
    std::push_heap(heap.begin(), heap.end());
  }
};

PointTree::PointTree(std::span<const float> points) {
  points_.reserve(points.size() / 2);
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    if (!std::isfinite(points[i]) || !std::isfinite(points[i + 1])) continue;
    points_.push_back({points[i], points[i + 1], static_cast<std::int32_t>(i / 2)});
  }
  build(0, points_.size(), true);
}

void PointTree::build(std::size_t begin, std::size_t end, bool by_x) {
  if (end - begin <= kLeaf) return;
  const std::size_t middle = begin + (end - begin) / 2;
  const auto at = [&](std::size_t i) { return points_.begin() + static_cast<std::ptrdiff_t>(i); };
  std::nth_element(at(begin), at(middle), at(end),
                   [&](const Point& a, const Point& b) { return by_x ? a.x < b.x : a.y < b.y; });
  build(begin, middle, !by_x);
  build(middle + 1, end, !by_x);
}

void PointTree::visit(std::size_t begin, std::size_t end, bool by_x, Search& search) const {
  if (end - begin <= kLeaf) {
    for (std::size_t i = begin; i < end; ++i) search.offer(points_[i]);
    return;
  }
  const std::size_t middle = begin + (end - begin) / 2;
  const double beyond = by_x ? search.x - points_[middle].x : search.y - points_[middle].y;
  const bool left_first = beyond < 0;
  if (left_first) {
    visit(begin, middle, !by_x, search);
  } else {
    visit(middle + 1, end, !by_x, search);
  }
  search.offer(points_[middle]);
  if (!search.reaches(std::abs(beyond))) return;
  if (left_first) {
    visit(middle + 1, end, !by_x, search);
  } else {
    visit(begin, middle, !by_x, search);
  }
}

void PointTree::nearest(double x, double y, double radius, std::size_t most, std::vector<Neighbour>& found) const {
  found.clear();
  if (!std::isfinite(x) || !std::isfinite(y) || most == 0) return;
  Search search{x, y, radius, most, found};
  visit(0, points_.size(), true, search);
  std::sort_heap(found.begin(), found.end());
}

}  // namespace histojet::nuclei
