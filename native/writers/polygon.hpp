#pragma once

#include <cstdint>
#include <vector>

#include "writers/outline.hpp"

namespace histojet::writers {

/// An outline in the single-precision pixels of the source, as binary formats hold it. Below 131 072 px they are finer
/// than the 0.01-pixel grid, above they are what the nuclei had; half of each double's bytes are zero, which packs
/// well.
struct Polygon {
  std::vector<float> points;  ///< open ring x0, y0, x1, y1, …
  double centroid_x = 0;      ///< of the area, pixels
  double centroid_y = 0;
  double area = 0;  ///< square pixels
  float left = 0, top = 0, right = 0, bottom = 0;
};

/// Takes over a valid outline and measures it. `polygon` is reused, so that no memory is taken per nucleus.
void make_polygon(const Outline& outline, Polygon& polygon);

/// The polygon as little-endian 2-D well-known binary (OGC 06-103r4, section 8): one closed ring of doubles.
void make_wkb(const Polygon& polygon, std::vector<std::uint8_t>& wkb);

}  // namespace histojet::writers
