#pragma once

#include <cstdint>

namespace histojet::slide {

/// A picture in RGBA with straight alpha whose corner lies at (x, y) of a larger plane.
struct PlacedPixels {
  const std::uint8_t* data = nullptr;
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// The mean of the source over [x0, x1) x [y0, y1) in coordinates of the plane, weighted by covered area and alpha,
/// as four bytes. Outside of the source everything is transparent.
void box_mean(const PlacedPixels& source, double x0, double y0, double x1, double y1, std::uint8_t* rgba);

}  // namespace histojet::slide
