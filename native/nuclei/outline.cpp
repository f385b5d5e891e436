#include "nuclei/outline.hpp"

#include <cstddef>
#include <utility>

#include "nuclei/approx.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

/// East, south, west, north: each is a right turn from the one before.
constexpr Point kDirections[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};

/// By whether the pixels ahead, right and left of the walk, belong to the object: 1 right turn, 0 straight on, -1 left.
constexpr std::int32_t kTurns[4] = {1, 0, 1, -1};  // neither, right, left, both

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

}  // namespace

Ring pixel_outline(Span2d<const std::int32_t> labels, std::int32_t label, Point first) {
  const auto inside = [&](std::int32_t x, std::int32_t y) {
    return static_cast<std::uint64_t>(x) < static_cast<std::uint64_t>(labels.cols) &&
           static_cast<std::uint64_t>(y) < static_cast<std::uint64_t>(labels.rows) && labels(y, x) == label;
  };
  // The walk runs along pixel sides with the object on its right: corner (x, y), one of the directions. The first point
  // is a corner of the outline, because the row above holds no object.
  std::int32_t x = first.x, y = first.y, direction = 0;
  Corners corners({2 * x + 1, 2 * y});
  while (true) {
    const auto [dx, dy] = kDirections[direction];
    x += dx;
    y += dy;
    const bool right = inside(x + (dx - dy - 1) / 2, y + (dx + dy - 1) / 2);
    const bool left = inside(x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
    const std::int32_t turn = kTurns[(right ? 1 : 0) + (left ? 2 : 0)];
    const std::int32_t step = (2 * direction + turn) & 7;
    direction = (direction + turn) & 3;
    if (x == first.x && y == first.y && direction == 0) return corners.close(step);
    corners.step_to({2 * x + kDirections[direction].x, 2 * y + kDirections[direction].y}, step);
  }
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
