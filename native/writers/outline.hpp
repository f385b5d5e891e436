#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::writers {

/// Vertex in hundredths of a pixel.
struct GridPoint {
  std::int64_t x = 0;
  std::int64_t y = 0;
  bool operator==(const GridPoint&) const = default;
};

/// An outline on the 0.01-pixel grid that QuPath reduces geometry to, so that what we write survives its import.
struct Outline {
  std::vector<GridPoint> points;  ///< open ring; counter-clockwise when y is taken upwards (positive shoelace sum)
  double area = 0;                ///< square pixels
  double perimeter = 0;           ///< pixels

  /// False when fewer than three points or no area are left.
  bool valid() const { return points.size() >= 3 && area > 0; }
  double circularity() const;
};

/// Moves a ring (x0, y0, x1, y1, …) by (-origin_x, -origin_y), rounds it, drops points that fall together with their
/// neighbour and spikes of no area, and orients it. `outline` is reused, so that no memory is taken per nucleus.
/// Rings with values that are not writable() come out invalid.
void make_outline(std::span<const float> ring, double origin_x, double origin_y, Outline& outline);

/// The same for nucleus `i`. False when nothing valid is left or its centroid is not writable(): formats with outlines
/// leave such nuclei out.
bool make_outline(const nuclei::NucleusList& batch, std::size_t i, double origin_x, double origin_y, Outline& outline);

}  // namespace histojet::writers
