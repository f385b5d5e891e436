#include "nuclei/approx.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace histojet::nuclei {
namespace {

/// Points from `start` to `end` of a ring, both included, indices wrapping around.
struct Slice {
  std::size_t start;
  std::size_t end;
};

double squared_distance(Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  return dx * dx + dy * dy;
}

/// Two points far apart: three times the farthest from the last one found. A slice of one point when all are close.
Slice first_split(const Ring& ring, double epsilon2) {
  const std::size_t count = ring.size();
  std::size_t start = 0, farthest = 0;
  bool close = false;
  for (int i = 0; i < 3; ++i) {
    start = (start + farthest) % count;
    double longest = 0;
    const Point from = ring[start];
    for (std::size_t j = 1, at = start + 1; j < count; ++j, ++at) {
      if (at == count) at = 0;
      const double distance = squared_distance(from, ring[at]);
      if (distance > longest) {
        longest = distance;
        farthest = j;
      }
    }
    close = longest <= epsilon2;
  }
  return {start, close ? start : (start + farthest) % count};
}

/// The starts of all slices that lie close enough to their chords, left to right.
Ring split(const Ring& ring, Slice halves, double epsilon2) {
  const std::size_t count = ring.size();
  Ring out;
  std::vector<Slice> stack{{halves.end, halves.start}, {halves.start, halves.end}};
  while (!stack.empty()) {
    const Slice slice = stack.back();
    stack.pop_back();
    const Point start = ring[slice.start], end = ring[slice.end];
    const double dx = end.x - start.x, dy = end.y - start.y;
    double largest = 0;
    std::size_t farthest = slice.start;
    const auto after = [count](std::size_t i) { return i + 1 < count ? i + 1 : 0; };
    for (std::size_t i = after(slice.start); i != slice.end; i = after(i)) {
      const double distance = std::fabs((ring[i].y - start.y) * dx - (ring[i].x - start.x) * dy);
      if (distance > largest) {
        largest = distance;
        farthest = i;
      }
    }
    if (largest * largest <= epsilon2 * (dx * dx + dy * dy)) {
      out.push_back(start);
    } else {
      stack.push_back({farthest, slice.end});
      stack.push_back({slice.start, farthest});
    }
  }
  return out;
}

/// Drops points on almost straight lines. Works in place like the reference: a point may be read after the walk's own
/// output has replaced it.
void drop_straight(Ring& ring, double epsilon2) {
  const std::size_t count = ring.size();
  std::size_t kept = count, read = count - 1, write = 0;
  const auto next = [&] {
    const Point point = ring[read];
    read = read + 1 < count ? read + 1 : 0;
    return point;
  };
  Point a = next();
  write = read;
  Point b = next();
  for (std::size_t i = 0; i < count && kept > 2; ++i) {
    const Point c = next();
    const double dx = c.x - a.x, dy = c.y - a.y;
    const double distance = std::fabs((b.x - a.x) * dy - (b.y - a.y) * dx);
    const double forward = static_cast<double>(b.x - a.x) * (c.x - b.x) + static_cast<double>(b.y - a.y) * (c.y - b.y);
    const bool straight =
        distance * distance <= 0.5 * epsilon2 * (dx * dx + dy * dy) && dx != 0 && dy != 0 && forward >= 0;
    a = straight ? c : b;
    ring[write] = a;
    write = write + 1 < count ? write + 1 : 0;
    if (straight) {
      --kept;
      b = next();
      ++i;
    } else {
      b = c;
    }
  }
  ring.resize(kept);
}

}  // namespace

Ring approx(const Ring& ring, double epsilon) {
  if (ring.empty()) return {};
  const double epsilon2 = epsilon * epsilon;
  const Slice halves = first_split(ring, epsilon2);
  if (halves.start == halves.end) return {ring[halves.start]};
  Ring out = split(ring, halves, epsilon2);
  drop_straight(out, epsilon2);
  return out;
}

}  // namespace histojet::nuclei
