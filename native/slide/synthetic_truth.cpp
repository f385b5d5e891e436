#include "slide/synthetic_truth.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::slide {

namespace {

struct Point {
  double x, y;
};
using Ring = std::vector<Point>;

double area(const Ring& ring) {
  double twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return 0.5 * std::abs(twice);
}

bool covered(const Outline& upper, double x, double y) {
  return upper.locate(static_cast<float>(x - upper.x), static_cast<float>(y - upper.y)).rho < 1;
}

/// Largest share of the radius in direction `k` that no higher nucleus covers.
float free_share(const Outline& o, int k, const std::vector<const Outline*>& uppers) {
  constexpr float kFirst = 0.15f;
  constexpr float kStep = 0.05f;
  const auto hidden = [&](float share) {
    const auto p = o.point(k, share);
    for (const Outline* upper : uppers) {
      if (covered(*upper, o.x + static_cast<double>(p[0]), o.y + static_cast<double>(p[1]))) return true;
    }
    return false;
  };
  float low = kFirst;
  float high = kFirst;
  while (high < 1) {
    high = std::min(1.0f, high + kStep);
    if (hidden(high)) break;
    low = high;
  }
  if (low >= 1) return 1;
  for (int i = 0; i < 6; ++i) {
    const float middle = 0.5f * (low + high);
    (hidden(middle) ? high : low) = middle;
  }
  return low;
}

/// Keeps the side of the line where `inside(point)` is at least 0 (Sutherland and Hodgman 1974).
template <class Inside>
Ring clip(const Ring& ring, const Inside& inside) {
  Ring kept;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    const double da = inside(a);
    const double db = inside(b);
    if (da >= 0) kept.push_back(a);
    if ((da >= 0) != (db >= 0)) {
      const double t = da / (da - db);
      kept.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)});
    }
  }
  return kept;
}

Ring clip_to_slide(Ring ring, double width, double height) {
  ring = clip(ring, [](const Point& p) { return p.x; });
  ring = clip(ring, [](const Point& p) { return p.y; });
  ring = clip(ring, [width](const Point& p) { return width - p.x; });
  return clip(ring, [height](const Point& p) { return height - p.y; });
}

/// Splits the longest edges until the ring has 16 points.
void refine(Ring& ring) {
  while (ring.size() >= 3 && ring.size() < 16) {
    std::size_t longest = 0;
    double best = -1;
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point& a = ring[i];
      const Point& b = ring[(i + 1) % ring.size()];
      const double length = (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
      if (length > best) best = length, longest = i;
    }
    const Point a = ring[longest];
    const Point b = ring[(longest + 1) % ring.size()];
    ring.insert(ring.begin() + static_cast<std::ptrdiff_t>(longest) + 1, {0.5 * (a.x + b.x), 0.5 * (a.y + b.y)});
  }
}

float two_decimals(double value) {
  return static_cast<float>(static_cast<double>(static_cast<std::int64_t>(value * 100 + 0.5)) / 100);
}

bool touches_border(const Outline& o, const SyntheticParams& p) {
  const double reach = static_cast<double>(o.reach) + 1;
  return o.x < reach || o.y < reach || o.x > static_cast<double>(p.width) - reach ||
         o.y > static_cast<double>(p.height) - reach;
}

bool make_visible(const Nucleus& n, const std::vector<const Outline*>& uppers, const SyntheticParams& params,
                  VisibleNucleus& out) {
  const Outline& o = n.outline;
  Ring ring;
  Ring whole;
  for (int k = 0; k < o.points; ++k) {
    const auto p = o.point(k, uppers.empty() ? 1 : free_share(o, k, uppers));
    ring.push_back({o.x + static_cast<double>(p[0]), o.y + static_cast<double>(p[1])});
    const auto q = o.point(k, 1);
    whole.push_back({static_cast<double>(q[0]), static_cast<double>(q[1])});
  }
  if (!uppers.empty() && area(ring) < 0.4 * area(whole)) return false;
  if (touches_border(o, params)) {
    ring = clip_to_slide(ring, static_cast<double>(params.width), static_cast<double>(params.height));
    refine(ring);
  }
  if (ring.size() < 3 || area(ring) < 4) return false;
  out.nucleus.id = n.id;
  out.nucleus.kind = static_cast<int>(n.kind);
  out.nucleus.points.reserve(ring.size() * 2);
  for (const Point& p : ring) {
    out.nucleus.points.push_back(two_decimals(p.x));
    out.nucleus.points.push_back(two_decimals(p.y));
  }
  out.x = std::clamp(o.x, 0.0, static_cast<double>(params.width) - 0.001);
  out.y = std::clamp(o.y, 0.0, static_cast<double>(params.height) - 0.001);
  return true;
}

}  // namespace

std::vector<VisibleNucleus> visible_nuclei(const Population& population, const SyntheticParams& params, std::int64_t x,
                                           std::int64_t y, std::int64_t width, std::int64_t height) {
  const std::int64_t reach = static_cast<std::int64_t>(18.0 / params.mpp) + 2;
  const auto nuclei = population.near(x - reach, y - reach, width + 2 * reach, height + 2 * reach);
  std::vector<VisibleNucleus> visible;
  std::vector<const Outline*> uppers;
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    const Outline& o = nuclei[i].outline;
    if (o.x < static_cast<double>(x - reach) || o.x > static_cast<double>(x + width + reach) ||
        o.y < static_cast<double>(y - reach) || o.y > static_cast<double>(y + height + reach)) {
      continue;
    }
    uppers.clear();
    for (std::size_t j = i + 1; j < nuclei.size(); ++j) {
      const Outline& u = nuclei[j].outline;
      const double far = static_cast<double>(o.reach + u.reach);
      const double dx = u.x - o.x;
      const double dy = u.y - o.y;
      if (dx * dx + dy * dy < far * far) uppers.push_back(&u);
    }
    VisibleNucleus nucleus;
    if (make_visible(nuclei[i], uppers, params, nucleus)) visible.push_back(std::move(nucleus));
  }
  return visible;
}

void paint_labels(const std::vector<VisibleNucleus>& nuclei, std::int64_t x, std::int64_t y, std::int64_t width,
                  std::int64_t height, std::vector<std::int32_t>& labels) {
  constexpr std::uint64_t kModulus = 2147483647;
  std::vector<double> crossings;
  for (const VisibleNucleus& n : nuclei) {
    const std::vector<float>& p = n.nucleus.points;
    const std::size_t count = p.size() / 2;
    double top = 1e18, bottom = -1e18;
    for (std::size_t i = 0; i < count; ++i) {
      top = std::min(top, static_cast<double>(p[2 * i + 1]));
      bottom = std::max(bottom, static_cast<double>(p[2 * i + 1]));
    }
    const std::int32_t label = std::max<std::int32_t>(1, static_cast<std::int32_t>(n.nucleus.id % kModulus));
    const std::int64_t first = std::max(y, static_cast<std::int64_t>(std::floor(top)));
    const std::int64_t last = std::min(y + height - 1, static_cast<std::int64_t>(std::floor(bottom)));
    for (std::int64_t row = first; row <= last; ++row) {
      const double cy = static_cast<double>(row) + 0.5;
      crossings.clear();
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t j = (i + 1) % count;
        const double y0 = static_cast<double>(p[2 * i + 1]);
        const double y1 = static_cast<double>(p[2 * j + 1]);
        if ((y0 <= cy) == (y1 <= cy)) continue;
        const double x0 = static_cast<double>(p[2 * i]);
        const double x1 = static_cast<double>(p[2 * j]);
        crossings.push_back(x0 + (cy - y0) / (y1 - y0) * (x1 - x0));
      }
      std::sort(crossings.begin(), crossings.end());
      for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
        const std::int64_t from = std::max(x, static_cast<std::int64_t>(std::ceil(crossings[i] - 0.5)));
        const std::int64_t to =
            std::min(x + width - 1, static_cast<std::int64_t>(std::ceil(crossings[i + 1] - 0.5)) - 1);
        for (std::int64_t column = from; column <= to; ++column) {
          labels[static_cast<std::size_t>((row - y) * width + column - x)] = label;
        }
      }
    }
  }
}

}  // namespace histojet::slide
