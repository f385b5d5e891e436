#include "nuclei/spans.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace histojet::nuclei {
namespace {

constexpr double kMostRows = 1 << 24;
/// Beyond this, the positions of pixels are no longer exact.
constexpr double kFarthest = 1e12;

/// Where a side crosses the middle of a row.
struct Crossing {
  std::int64_t row;
  double x;
};

/// First pixel whose centre is at or after `position`.
std::int64_t first_centre(double position) {
  return static_cast<std::int64_t>(std::ceil(position - 0.5));
}

}  // namespace

void ring_spans(std::span<const float> ring, double pixel, std::vector<Span>& spans) {
  spans.clear();
  const std::size_t count = ring.size() / 2;
  double low = kFarthest, high = -kFarthest;
  for (std::size_t i = 0; i < 2 * count; ++i) {
    const double value = ring[i] / pixel;
    if (!(std::fabs(value) < kFarthest)) return;
    if (i % 2 == 1) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (high - low > kMostRows) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: outline of more than 2^24 pixels in height");
  }
  std::vector<Crossing> crossings;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t j = i + 1 < count ? i + 1 : 0;
    double ax = ring[2 * i] / pixel, ay = ring[2 * i + 1] / pixel, bx = ring[2 * j] / pixel,
           by = ring[2 * j + 1] / pixel;
    if (ay > by) {
      std::swap(ax, bx);
      std::swap(ay, by);
    }
    for (std::int64_t row = first_centre(ay), end = first_centre(by); row < end; ++row) {
      const double share = (static_cast<double>(row) + 0.5 - ay) / (by - ay);
      crossings.push_back({row, ax + share * (bx - ax)});
    }
  }
  std::sort(crossings.begin(), crossings.end(),
            [](const Crossing& a, const Crossing& b) { return a.row != b.row ? a.row < b.row : a.x < b.x; });
  // A closed ring crosses every row an even number of times.
  for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const std::int64_t start = first_centre(crossings[i].x), end = first_centre(crossings[i + 1].x);
    if (start < end) spans.push_back({crossings[i].row, start, end});
  }
}

std::int64_t pixel_count(std::span<const Span> spans) {
  std::int64_t count = 0;
  for (const Span& span : spans) count += span.end - span.start;
  return count;
}

std::int64_t shared_pixels(std::span<const Span> a, std::span<const Span> b) {
  std::int64_t shared = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].row == b[j].row) {
      shared += std::max<std::int64_t>(0, std::min(a[i].end, b[j].end) - std::max(a[i].start, b[j].start));
      a[i].end < b[j].end ? ++i : ++j;
    } else {
      a[i].row < b[j].row ? ++i : ++j;
    }
  }
  return shared;
}

}  // namespace histojet::nuclei
