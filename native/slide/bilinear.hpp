#pragma once

#include <cstdint>
#include <span>

#include "slide/region.hpp"

namespace histojet::slide {

/// Shifts `source` (RGBA with straight alpha, (window.width + 1) x (window.height + 1) pixels) by a fraction of a pixel
/// to the left and up, mixing the four neighbours by their area with colours weighted by alpha, and writes the window
/// with its channels: what OpenSlide paints at fractional positions.
void shift_bilinear(std::span<const std::uint8_t> source, double fraction_x, double fraction_y, const Window& window,
                    std::span<std::uint8_t> out);

}  // namespace histojet::slide
