#include "writers/overlay.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

using Color = std::array<std::uint8_t, 3>;

/// Nuclei between two looks at the token.
constexpr std::size_t kNucleiPerCheck = 256;

struct Point {
  double x = 0;
  double y = 0;
};

double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double t = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/// Draws one ring: coverage of all its edges first (the largest wins, so joints are not darker), then one blend.
class RingPainter {
 public:
  RingPainter(Image& picture, const OverlayOptions& options)
      : picture_(picture),
        options_(options),
        scale_y_(options.scale_y > 0 ? options.scale_y : options.scale),
        reach_(options.width_px / 2 + 0.5) {}

  void draw(std::span<const float> ring, Color color) {
    points_.clear();
    for (std::size_t i = 0; i + 1 < ring.size(); i += 2) {
      const Point point{(ring[i] - options_.x) / options_.scale, (ring[i + 1] - options_.y) / scale_y_};
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) return;
      points_.push_back(point);
    }
    if (points_.empty() || !clip_to_picture()) return;
    coverage_.assign(static_cast<std::size_t>((x1_ - x0_) * (y1_ - y0_)), 0.0f);
    for (std::size_t i = 0; i < points_.size(); ++i) cover_edge(points_[i], points_[(i + 1) % points_.size()]);
    blend(color);
  }

 private:
  /// Pixels that an extent [low, high] can touch, within [0, length).
  std::pair<std::int64_t, std::int64_t> pixels(double low, double high, std::int64_t length) const {
    const double limit = static_cast<double>(length);
    return {static_cast<std::int64_t>(std::clamp(std::floor(low - reach_), 0.0, limit)),
            static_cast<std::int64_t>(std::clamp(std::ceil(high + reach_), 0.0, limit))};
  }

  bool clip_to_picture() {
    const auto [left, right] = std::ranges::minmax(points_, {}, &Point::x);
    const auto [top, bottom] = std::ranges::minmax(points_, {}, &Point::y);
    std::tie(x0_, x1_) = pixels(left.x, right.x, picture_.width);
    std::tie(y0_, y1_) = pixels(top.y, bottom.y, picture_.height);
    return x0_ < x1_ && y0_ < y1_;
  }

  void cover_edge(Point a, Point b) {
    const auto [left, right] = pixels(std::min(a.x, b.x), std::max(a.x, b.x), picture_.width);
    const auto [top, bottom] = pixels(std::min(a.y, b.y), std::max(a.y, b.y), picture_.height);
    for (std::int64_t y = top; y < bottom; ++y) {
      for (std::int64_t x = left; x < right; ++x) {
        const double distance = distance_to_segment({static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5}, a, b);
        float& covered = coverage_[(y - y0_) * (x1_ - x0_) + x - x0_];
        covered = std::max(covered, static_cast<float>(std::clamp(reach_ - distance, 0.0, 1.0)));
      }
    }
  }

  void blend(Color color) {
    const float* covered = coverage_.data();
    for (std::int64_t y = y0_; y < y1_; ++y) {
      for (std::int64_t x = x0_; x < x1_; ++x, ++covered) {
        if (*covered <= 0) continue;
        std::uint8_t* pixel = picture_.row(y) + x * picture_.channels;
        for (int c = 0; c < 3; ++c) {
          const float mixed = static_cast<float>(pixel[c]) * (1 - *covered) + static_cast<float>(color[c]) * *covered;
          pixel[c] = static_cast<std::uint8_t>(std::lround(mixed));
        }
      }
    }
  }

  Image& picture_;
  const OverlayOptions& options_;
  double scale_y_;
  double reach_;
  std::vector<Point> points_;
  std::vector<float> coverage_;
  std::int64_t x0_ = 0, x1_ = 0, y0_ = 0, y1_ = 0;
};

}  // namespace

void draw_outlines(Image& picture, const nuclei::NucleusList& nuclei, const OverlayOptions& options,
                   const CancelToken& cancel) {
  if (picture.channels != 3) {
    throw Error(ErrorCode::kInvalidArgument,
                "outlines are drawn on pictures of 3 channels, got " + std::to_string(picture.channels));
  }
  const bool scaled = options.scale > 0 && options.scale_y >= 0 && std::isfinite(options.scale + options.scale_y);
  if (!scaled || !(options.width_px > 0) || !(options.width_px < 1000)) {
    throw Error(ErrorCode::kInvalidArgument, "outlines need a positive scale and a line width of 0 to 1000 px");
  }
  RingPainter painter(picture, options);
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    if (i % kNucleiPerCheck == 0) cancel.throw_if_cancelled();
    const bool own = nuclei.typed() && nuclei.types[i] < options.type_colors.size();
    painter.draw(nuclei.contour(i), own ? options.type_colors[nuclei.types[i]] : options.color);
  }
}

}  // namespace histojet::writers
