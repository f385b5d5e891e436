#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace histojet::nuclei {

/// A k-d tree of points in the plane. However the points lie, even all in one place, a search for the nearest few
/// visits only a few branches.
class PointTree {
 public:
  /// points: [n, 2] x, y; those that are not finite are never found.
  explicit PointTree(std::span<const float> points);

  struct Neighbour {
    double distance;
    std::int32_t index;
    auto operator<=>(const Neighbour&) const = default;
  };

  /// The nearest points no farther than `radius`, at most `most` of them, by rising distance, then index. Which of
  /// several equally far ones drop out at the limit is fixed but not said.
  void nearest(double x, double y, double radius, std::size_t most, std::vector<Neighbour>& found) const;

 private:
  struct Point {
    float x;
    float y;
    std::int32_t index;
  };
  struct Search;

  void build(std::size_t begin, std::size_t end, bool by_x);
  void visit(std::size_t begin, std::size_t end, bool by_x, Search& search) const;

  std::vector<Point> points_;  ///< the middle of a range divides it, by x and y in turn
};

}  // namespace histojet::nuclei
