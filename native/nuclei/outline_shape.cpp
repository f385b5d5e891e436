#include "nuclei/outline_shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

namespace histojet::nuclei {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Vertex {
  double x = 0;
  double y = 0;
  auto operator<=>(const Vertex&) const = default;
};

/// Integrals over the polygon, around its first vertex; negative where it runs the other way round.
struct Integrals {
  double area = 0;
  double x = 0, y = 0;
  double xx = 0, xy = 0, yy = 0;
};

/// Twice the signed area of a triangle.
double turn(Vertex a, Vertex b, Vertex c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// Around the first vertex, because the squares of slide coordinates would lose the digits that matter.
std::vector<Vertex> vertices(std::span<const float> ring, const LengthUnit& unit) {
  std::vector<Vertex> points;
  points.reserve(ring.size() / 2);
  for (std::size_t i = 0; i + 1 < ring.size(); i += 2) {
    points.push_back({(double{ring[i]} - double{ring[0]}) * unit.x, (double{ring[i + 1]} - double{ring[1]}) * unit.y});
  }
  return points;
}

Integrals integrals(std::span<const Vertex> points) {
  Integrals sums;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto [ax, ay] = points[i];
    const auto [bx, by] = points[i + 1 == points.size() ? 0 : i + 1];
    const double cross = ax * by - bx * ay;
    sums.area += cross / 2;
    sums.x += (ax + bx) * cross / 6;
    sums.y += (ay + by) * cross / 6;
    sums.xx += (ax * ax + ax * bx + bx * bx) * cross / 12;
    sums.yy += (ay * ay + ay * by + by * by) * cross / 12;
    sums.xy += (ax * by + 2 * ax * ay + 2 * bx * by + bx * ay) * cross / 24;
  }
  return sums;
}

double perimeter_of(std::span<const Vertex> points) {
  double length = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Vertex next = points[i + 1 == points.size() ? 0 : i + 1];
    length += std::hypot(next.x - points[i].x, next.y - points[i].y);
  }
  return length;
}

/// Sorts `points`.
double hull_area(std::vector<Vertex>& points) {
  std::sort(points.begin(), points.end());
  std::vector<Vertex> hull;
  const auto add = [&](Vertex point, std::size_t fixed) {
    while (hull.size() > fixed && turn(hull[hull.size() - 2], hull.back(), point) <= 0) hull.pop_back();
    hull.push_back(point);
  };
  for (const Vertex point : points) add(point, 1);
  const std::size_t lower = hull.size();
  for (std::size_t i = points.size() - 1; i-- > 0;) add(points[i], lower);
  double twice = 0;
  for (std::size_t i = 1; i + 1 < hull.size(); ++i) twice += turn(hull[0], hull[i], hull[i + 1]);
  return twice / 2;
}

/// Full axis of the ellipse whose points have this variance along it. Rounding may leave a thin polygon a little below
/// zero; more than that is a ring that crosses itself.
double axis(double variance, double largest) {
  if (variance >= 0) return 4 * std::sqrt(variance);
  return variance > -1e-9 * largest ? 0 : kNone;
}

}  // namespace

OutlineShape outline_shape(std::span<const float> ring, const LengthUnit& unit) {
  std::vector<Vertex> points = vertices(ring, unit);
  const Integrals sums = integrals(points);
  OutlineShape shape;
  shape.area = std::abs(sums.area);
  shape.perimeter = perimeter_of(points);
  shape.circularity = shape.perimeter > 0 ? 4 * std::numbers::pi * shape.area / (shape.perimeter * shape.perimeter) : 0;
  if (!(shape.area > 0)) {
    shape.major_axis = shape.minor_axis = shape.eccentricity = shape.solidity = kNone;
    return shape;
  }
  const double mean_x = sums.x / sums.area, mean_y = sums.y / sums.area;
  const double xx = sums.xx / sums.area - mean_x * mean_x;
  const double yy = sums.yy / sums.area - mean_y * mean_y;
  const double xy = sums.xy / sums.area - mean_x * mean_y;
  const double middle = (xx + yy) / 2, spread = std::hypot((xx - yy) / 2, xy);
  shape.major_axis = axis(middle + spread, middle + spread);
  shape.minor_axis = axis(middle - spread, middle + spread);
  const double ratio = shape.minor_axis / shape.major_axis;
  shape.eccentricity = std::sqrt(std::max(0.0, 1 - ratio * ratio));
  if (std::isnan(ratio)) shape.eccentricity = kNone;
  shape.solidity = std::min(1.0, shape.area / hull_area(points));
  return shape;
}

std::vector<MeasurementColumn> shape_columns(const NucleusList& list, const LengthUnit& unit) {
  const std::string length = unit.metric ? "_um" : "_px";
  const std::pair<std::string, double OutlineShape::*> members[] = {
      {"perimeter" + length, &OutlineShape::perimeter},   {"circularity", &OutlineShape::circularity},
      {"major_axis" + length, &OutlineShape::major_axis}, {"minor_axis" + length, &OutlineShape::minor_axis},
      {"eccentricity", &OutlineShape::eccentricity},      {"solidity", &OutlineShape::solidity}};
  std::vector<MeasurementColumn> columns;
  for (const auto& [name, member] : members) columns.push_back({name, std::vector<float>(list.size())});
  for (std::size_t i = 0; i < list.size(); ++i) {
    const OutlineShape shape = outline_shape(list.contour(i), unit);
    for (std::size_t m = 0; m < columns.size(); ++m) {
      columns[m].values[i] = static_cast<float>(shape.*members[m].second);
    }
  }
  return columns;
}

}  // namespace histojet::nuclei
