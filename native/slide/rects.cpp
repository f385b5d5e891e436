#include "slide/rects.hpp"

#include <algorithm>

namespace histojet::slide {

Rect intersection(const Rect& a, const Rect& b) {
  const std::int64_t x = std::max(a.x, b.x);
  const std::int64_t y = std::max(a.y, b.y);
  return {x, y, std::min(a.x + a.width, b.x + b.width) - x, std::min(a.y + a.height, b.y + b.height) - y};
}

std::vector<Rect> subtract(const std::vector<Rect>& rects, const Rect& hole) {
  std::vector<Rect> left;
  const auto keep = [&](const Rect& rect) {
    if (!is_empty(rect)) left.push_back(rect);
  };
  for (const Rect& rect : rects) {
    const Rect common = intersection(rect, hole);
    if (is_empty(common)) {
      left.push_back(rect);
      continue;
    }
    const std::int64_t bottom = common.y + common.height;
    const std::int64_t right = common.x + common.width;
    keep({rect.x, rect.y, rect.width, common.y - rect.y});
    keep({rect.x, bottom, rect.width, rect.y + rect.height - bottom});
    keep({rect.x, common.y, common.x - rect.x, common.height});
    keep({right, common.y, rect.x + rect.width - right, common.height});
  }
  return left;
}

}  // namespace histojet::slide
