#include "nuclei/outline.hpp"

#include "nuclei/approx.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

/// Adds a point; the one before it goes when it lies on the straight piece between its neighbours.
void add_corner(Ring& ring, Point point) {
  if (ring.size() >= 2) {
    const Point a = ring[ring.size() - 2], b = ring.back();
    // All steps are (±2, 0), (0, ±2) or (±1, ±1): equal directions are equal signs.
    const auto sign = [](std::int32_t v) { return (v > 0) - (v < 0); };
    if (sign(b.x - a.x) == sign(point.x - b.x) && sign(b.y - a.y) == sign(point.y - b.y)) ring.pop_back();
  }
  ring.push_back(point);
}

}  // namespace

Ring pixel_outline(Span2d<const std::int32_t> labels, std::int32_t label, Point first) {
  const auto inside = [&](std::int32_t x, std::int32_t y) {
    return x >= 0 && y >= 0 && x < labels.cols && y < labels.rows && labels(y, x) == label;
  };
  // The walk runs along pixel sides with the object on its right: corner (x, y), direction (dx, dy).
  std::int32_t x = first.x, y = first.y, dx = 1, dy = 0;
  Ring ring;
  do {
    add_corner(ring, {2 * x + dx, 2 * y + dy});
    x += dx;
    y += dy;
    // The two pixels ahead of the corner, right and left of the direction.
    const bool right = inside(x + (dx - dy - 1) / 2, y + (dx + dy - 1) / 2);
    const bool left = inside(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    if (!right) {
      const std::int32_t turned = dx;
      dx = -dy;
      dy = turned;
    } else if (left) {
      const std::int32_t turned = dx;
      dx = dy;
      dy = -turned;
    }
  } while (x != first.x || y != first.y || dx != 1 || dy != 0);
  // The first point is a corner, because the row above holds no object; the last one may lie on a straight piece.
  const Point start = ring.front();
  add_corner(ring, start);
  ring.pop_back();
  return ring;
}

Ring simplified_outline(const Ring& outline, double epsilon) {
  constexpr int kAttempts = 4;
  for (int i = 0; i < kAttempts && epsilon > 0; ++i, epsilon /= 2) {
    Ring ring = approx(outline, epsilon);
    if (doubled_area(ring) > 0 && is_simple(ring)) return ring;
  }
  return outline;
}

}  // namespace histojet::nuclei
