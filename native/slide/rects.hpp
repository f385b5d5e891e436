#pragma once

#include <vector>

#include "slide/slide.hpp"

namespace histojet::slide {

inline bool is_empty(const Rect& rect) {
  return rect.width <= 0 || rect.height <= 0;
}

/// What two rectangles share; empty (perhaps with negative sides) when they do not meet.
Rect intersection(const Rect& a, const Rect& b);

/// What is left of `rects` without `hole`, as rectangles that do not overlap where `rects` did not.
std::vector<Rect> subtract(const std::vector<Rect>& rects, const Rect& hole);

}  // namespace histojet::slide
