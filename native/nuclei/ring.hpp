#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace histojet::nuclei {

/// A corner of an outline in whole units (pixels, or half pixels where a function says so).
struct Point {
  std::int32_t x;
  std::int32_t y;

  bool operator==(const Point&) const = default;
};

/// An open ring: the last point is joined to the first.
using Ring = std::vector<Point>;

}  // namespace histojet::nuclei
