#pragma once

#include <cstdint>
#include <vector>

namespace histojet::slide {

/// A picture in RGBA with premultiplied alpha, rows without padding. Outside of it everything is transparent.
struct Painting {
  Painting(std::int64_t width, std::int64_t height);

  std::int64_t width;
  std::int64_t height;
  std::vector<std::uint8_t> rgba;
};

/// Adds `source`, made smaller by `shrink` (at least 1) with its corner at (x, y) of the canvas, to what the canvas
/// does not yet cover. To the last bit what OpenSlide 3.4 and 4.0 show where they scale tiles, which paint through
/// cairo 1.16 (filter GOOD, operator SATURATE) and so through pixman's float32 path with positions in 16.16 fixed
/// point.
void paint_shrunk(const Painting& source, double shrink, double x, double y, Painting& canvas);

}  // namespace histojet::slide
