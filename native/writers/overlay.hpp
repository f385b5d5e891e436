#pragma once

#include <array>
#include <string>

#include "base/image.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::writers {

struct OverlayOptions {
  double x = 0;  ///< level-0 corner of the picture
  double y = 0;
  double scale = 1;  ///< level-0 pixels per picture pixel
  std::array<std::uint8_t, 3> color{0, 230, 118};
  double width_px = 1.5;  ///< line width in picture pixels, anti-aliased
};

/// Draws the outlines onto the picture (RGB).
void draw_outlines(Image& picture, const nuclei::NucleusList& nuclei, const OverlayOptions& options);

}  // namespace histojet::writers
