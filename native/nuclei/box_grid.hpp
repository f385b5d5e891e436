#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// An upright rectangle with its ends included.
struct Extent {
  double x0;
  double y0;
  double x1;
  double y1;

  bool meets(const Extent& other) const { return x0 <= other.x1 && other.x0 <= x1 && y0 <= other.y1 && other.y0 <= y1; }
};

/// The rectangle around an outline's points x0, y0, x1, y1, …; empty (never meets) without points or with NaN.
Extent extent_of(std::span<const float> ring);

/// Finds the rectangles that meet a given one, through a hash of square cells; the plane may have any size.
class BoxGrid {
 public:
  /// The cells' side is twice that of a typical rectangle.
  explicit BoxGrid(std::vector<Extent> boxes);

  /// Indices of the rectangles that meet `box`, rising, each once.
  void find(const Extent& box, std::vector<std::int32_t>& found) const;

 private:
  template <class Visit>
  bool for_each_cell(const Extent& box, Visit visit) const;

  std::vector<Extent> boxes_;
  double cell_ = 1;
  std::unordered_map<std::uint64_t, std::vector<std::int32_t>> cells_;
  std::vector<std::int32_t> large_;  ///< rectangles that cover too many cells
};

}  // namespace histojet::nuclei
