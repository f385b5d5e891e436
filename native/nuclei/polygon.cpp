#include "nuclei/polygon.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace histojet::nuclei {
namespace {

std::int64_t cross(Point o, Point a, Point b) {
  return (static_cast<std::int64_t>(a.x) - o.x) * (static_cast<std::int64_t>(b.y) - o.y) -
         (static_cast<std::int64_t>(a.y) - o.y) * (static_cast<std::int64_t>(b.x) - o.x);
}

int sign(std::int64_t value) {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

/// `p` is known to be on the line through a and b.
bool between(Point a, Point b, Point p) {
  return std::min(a.x, b.x) <= p.x && p.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= p.y &&
         p.y <= std::max(a.y, b.y);
}

/// Two closed segments that share a point.
bool touch(Point a, Point b, Point c, Point d) {
  const int c_side = sign(cross(a, b, c)), d_side = sign(cross(a, b, d));
  const int a_side = sign(cross(c, d, a)), b_side = sign(cross(c, d, b));
  if (c_side * d_side < 0 && a_side * b_side < 0) return true;
  return (c_side == 0 && between(a, b, c)) || (d_side == 0 && between(a, b, d)) || (a_side == 0 && between(c, d, a)) ||
         (b_side == 0 && between(c, d, b));
}

/// Neighbouring sides a-b and b-c overlap when c lies back on a-b or a on b-c.
bool folds_back(Point a, Point b, Point c) {
  if (cross(a, b, c) != 0) return false;
  const std::int64_t forward = (static_cast<std::int64_t>(b.x) - a.x) * (static_cast<std::int64_t>(c.x) - b.x) +
                               (static_cast<std::int64_t>(b.y) - a.y) * (static_cast<std::int64_t>(c.y) - b.y);
  return forward <= 0;
}

/// A side of a ring with its extent in x.
struct Side {
  std::int32_t left;
  std::int32_t right;
  Point a;
  Point b;
  std::size_t index;
};

/// The extents in y have a row in common.
bool meet_in_y(const Side& s, const Side& t) {
  return std::min(s.a.y, s.b.y) <= std::max(t.a.y, t.b.y) && std::min(t.a.y, t.b.y) <= std::max(s.a.y, s.b.y);
}

}  // namespace

double arc_length(const Ring& ring) {
  double length = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i == 0 ? ring.size() - 1 : i - 1], b = ring[i];
    const float dx = static_cast<float>(b.x - a.x), dy = static_cast<float>(b.y - a.y);
    length += std::sqrt(dx * dx + dy * dy);
  }
  return length;
}

std::int64_t doubled_area(const Ring& ring) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i == 0 ? ring.size() - 1 : i - 1], b = ring[i];
    sum += static_cast<std::int64_t>(a.x) * b.y - static_cast<std::int64_t>(a.y) * b.x;
  }
  return sum;
}

double area(const Ring& ring) {
  return std::fabs(static_cast<double>(doubled_area(ring)) * 0.5);
}

Moments polygon_moments(const Ring& ring) {
  double a00 = 0, a10 = 0, a01 = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i == 0 ? ring.size() - 1 : i - 1], b = ring[i];
    const double dxy = static_cast<double>(a.x) * b.y - static_cast<double>(b.x) * a.y;
    a00 += dxy;
    a10 += dxy * (a.x + b.x);
    a01 += dxy * (a.y + b.y);
  }
  if (a00 == 0) return {};
  const double half = a00 > 0 ? 0.5 : -0.5, sixth = a00 > 0 ? 1.0 / 6 : -1.0 / 6;
  return {a00 * half, a10 * sixth, a01 * sixth};
}

bool is_simple(const Ring& ring) {
  const std::size_t count = ring.size();
  if (count < 3) return false;
  std::vector<Side> sides(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Point a = ring[i], b = ring[i + 1 < count ? i + 1 : 0];
    sides[i] = {std::min(a.x, b.x), std::max(a.x, b.x), a, b, i};
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (folds_back(sides[i].a, sides[i].b, sides[i + 1 < count ? i + 1 : 0].b)) return false;
  }
  // Sides in the order of their left ends: only those whose extents in x meet are compared.
  std::sort(sides.begin(), sides.end(), [](const Side& s, const Side& t) { return s.left < t.left; });
  for (std::size_t k = 0; k < count; ++k) {
    const Side& s = sides[k];
    for (std::size_t m = k + 1; m < count && sides[m].left <= s.right; ++m) {
      const Side& t = sides[m];
      const std::size_t apart = s.index < t.index ? t.index - s.index : s.index - t.index;
      if (apart == 1 || apart + 1 == count) continue;
      if (meet_in_y(s, t) && touch(s.a, s.b, t.a, t.b)) return false;
    }
  }
  return true;
}

}  // namespace histojet::nuclei
