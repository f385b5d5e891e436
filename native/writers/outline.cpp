#include "writers/outline.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "writers/json_text.hpp"

namespace histojet::writers {
namespace {

/// Appends a point; a step back to the point before the last one is a spike, which loses its tip.
void push(std::vector<GridPoint>& points, GridPoint point) {
  if (!points.empty() && points.back() == point) return;
  if (points.size() >= 2 && points[points.size() - 2] == point) {
    points.pop_back();
    return;
  }
  points.push_back(point);
}

/// The same rules where the ring closes.
void close_ring(std::vector<GridPoint>& points) {
  for (bool changed = true; changed && points.size() >= 3;) {
    changed = true;
    if (points.front() == points.back()) {
      points.pop_back();
    } else if (points.front() == points[points.size() - 2]) {
      points.resize(points.size() - 2);
    } else if (points.back() == points[1]) {
      points.erase(points.begin());
      points.pop_back();
    } else {
      changed = false;
    }
  }
}

void measure(Outline& outline) {
  double twice_area = 0;
  double length = 0;
  const std::size_t count = outline.points.size();
  // Relative to the first point: products of slide coordinates would cost all their digits.
  const GridPoint base = count > 0 ? outline.points.front() : GridPoint{};
  for (std::size_t i = 0; i < count; ++i) {
    const GridPoint& a = outline.points[i];
    const GridPoint& b = outline.points[i + 1 < count ? i + 1 : 0];
    const auto ax = static_cast<double>(a.x - base.x), ay = static_cast<double>(a.y - base.y);
    const auto bx = static_cast<double>(b.x - base.x), by = static_cast<double>(b.y - base.y);
    twice_area += ax * by - bx * ay;
    length += std::sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
  }
  if (twice_area < 0) std::reverse(outline.points.begin() + 1, outline.points.end());
  outline.area = std::abs(twice_area) / 2 / 1e4;
  outline.perimeter = length / 100;
}

}  // namespace

double Outline::circularity() const {
  return perimeter > 0 ? std::min(1.0, 4 * std::numbers::pi * area / (perimeter * perimeter)) : 0;
}

void make_outline(std::span<const float> ring, double origin_x, double origin_y, Outline& outline) {
  outline.points.clear();
  outline.area = outline.perimeter = 0;
  for (std::size_t i = 0; i + 1 < ring.size(); i += 2) {
    const double x = (static_cast<double>(ring[i]) - origin_x) * 100;
    const double y = (static_cast<double>(ring[i + 1]) - origin_y) * 100;
    if (!writable(x) || !writable(y)) {
      outline.points.clear();
      return;
    }
    push(outline.points, {nearest_integer(x), nearest_integer(y)});
  }
  close_ring(outline.points);
  measure(outline);
}

bool make_outline(const nuclei::NucleusList& batch, std::size_t i, double origin_x, double origin_y, Outline& outline) {
  make_outline(batch.contour(i), origin_x, origin_y, outline);
  return outline.valid() && writable(batch.centroids[2 * i]) && writable(batch.centroids[2 * i + 1]);
}

}  // namespace histojet::writers
