#include "nuclei/outline.hpp"

#include <cstddef>
#include <utility>

#include "nuclei/approx.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

/// East, south, west, north: each is a right turn from the one before.
constexpr Point kDirections[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};

/// The points of a walk without those between equal steps. A walk turns without a pattern, so nothing here branches on
/// it.
class Corners {
 public:
  explicit Corners(Point first) : ring_{first} { ring_.resize(kRoom); }

  /// Steps to `point`; `step` tells apart the eight directions of steps.
  void step_to(Point point, std::int32_t step) {
    count_ -= static_cast<std::size_t>(step == last_step_);
    if (count_ == ring_.size()) ring_.resize(2 * ring_.size());
    ring_[count_++] = point;
    last_step_ = step;
  }
  /// Steps back to the first point.
  Ring close(std::int32_t step) {
    ring_.resize(count_ - static_cast<std::size_t>(step == last_step_));
    return std::move(ring_);
  }

 private:
  static constexpr std::size_t kRoom = 128;
  Ring ring_;
  std::size_t count_ = 1;
  std::int32_t last_step_ = -1;
};

/// The walk runs along pixel sides with the object on its right: corner (x, y), one of the directions. The first point
/// is a corner of the outline, because the row above holds no object. `kAtBorder`: pixels outside the tile may lie next
/// to the object.
template <bool kAtBorder>
Ring walk_around(Span2d<const std::int32_t> labels, std::int32_t label, Point first) {
  const std::ptrdiff_t stride = labels.stride;
  // From the pixel right below a corner: the step of each direction, the pixels ahead on its right and on its left.
  const std::ptrdiff_t steps[4] = {1, stride, -1, -stride};
  const std::ptrdiff_t rights[4] = {0, -1, -stride - 1, -stride}, lefts[4] = {-stride, 0, -1, -stride - 1};
  const auto inside = [&](std::int32_t x, std::int32_t y) {
    return static_cast<std::uint64_t>(x) < static_cast<std::uint64_t>(labels.cols) &&
           static_cast<std::uint64_t>(y) < static_cast<std::uint64_t>(labels.rows) && labels(y, x) == label;
  };
  std::int32_t x = first.x, y = first.y, direction = 0;
  const std::int32_t* below = labels.row(first.y) + first.x;
  Corners corners({2 * x + 1, 2 * y});
  while (true) {
    const auto [dx, dy] = kDirections[direction];
    x += dx;
    y += dy;
    std::int32_t right, left;
    if constexpr (kAtBorder) {
      right = inside(x + (dx - dy - 1) / 2, y + (dx + dy - 1) / 2);
      left = inside(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    } else {
      below += steps[direction];
      right = below[rights[direction]] == label;
      left = below[lefts[direction]] == label;
    }
    // No pixel on the right: a right turn. Pixels on both sides: a left one.
    const std::int32_t turn = 1 - right - (right & left);
    const std::int32_t step = (2 * direction + turn) & 7;
    direction = (direction + turn) & 3;
    if (x == first.x && y == first.y && direction == 0) return corners.close(step);
    corners.step_to({2 * x + kDirections[direction].x, 2 * y + kDirections[direction].y}, step);
  }
}

}  // namespace

Ring pixel_outline(Span2d<const std::int32_t> labels, std::int32_t label, Point first, bool at_border) {
  return at_border ? walk_around<true>(labels, label, first) : walk_around<false>(labels, label, first);
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
