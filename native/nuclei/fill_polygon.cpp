#include "nuclei/fill_polygon.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace histojet::nuclei {
namespace {

constexpr int kFractionBits = 16;
constexpr std::int64_t kOne = std::int64_t{1} << kFractionBits;

/// A side that crosses rows [y0, y1); `x` and `dx` in fixed point.
struct Edge {
  std::int32_t y0;
  std::int32_t y1;
  std::int64_t x;
  std::int64_t dx;
};

/// Bresenham's line as OpenCV's LineIterator walks it: from left to right.
void draw_line(Span2d<std::int32_t> image, Point a, Point b, std::int32_t value) {
  if (b.x < a.x) std::swap(a, b);
  std::int32_t major = b.x - a.x, minor = std::abs(b.y - a.y);
  const std::int32_t down = b.y < a.y ? -1 : 1;
  Point along{1, 0}, across{0, down};
  if (minor > major) {
    std::swap(major, minor);
    std::swap(along, across);
  }
  std::int32_t error = major - 2 * minor;
  for (std::int32_t i = 0; i <= major; ++i) {
    image(a.y, a.x) = value;
    if (error < 0) {
      error += 2 * major;
      a = {a.x + across.x, a.y + across.y};
    }
    error -= 2 * minor;
    a = {a.x + along.x, a.y + along.y};
  }
}

}  // namespace

void fill_polygon(Span2d<std::int32_t> image, const Ring& ring, std::int32_t value) {
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    Point a = ring[i == 0 ? ring.size() - 1 : i - 1], b = ring[i];
    draw_line(image, a, b, value);
    if (a.y == b.y) continue;
    if (a.y > b.y) std::swap(a, b);
    edges.push_back({a.y, b.y, a.x * kOne, (b.x - a.x) * kOne / (b.y - a.y)});
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.y0 < b.y0; });
  std::vector<Edge> active;
  std::size_t next = 0;
  for (std::int32_t y = edges.empty() ? 0 : edges.front().y0; next < edges.size() || !active.empty(); ++y) {
    std::erase_if(active, [&](const Edge& edge) { return edge.y1 == y; });
    for (; next < edges.size() && edges[next].y0 == y; ++next) active.push_back(edges[next]);
    std::sort(active.begin(), active.end(), [](const Edge& a, const Edge& b) { return a.x < b.x; });
    for (std::size_t i = 0; i + 1 < active.size(); i += 2) {
      const std::int64_t start = std::max<std::int64_t>((active[i].x + kOne - 1) >> kFractionBits, 0);
      const std::int64_t end = std::min<std::int64_t>(active[i + 1].x >> kFractionBits, image.cols - 1);
      for (std::int64_t x = start; x <= end; ++x) image(y, x) = value;
    }
    for (Edge& edge : active) edge.x += edge.dx;
  }
}

}  // namespace histojet::nuclei
