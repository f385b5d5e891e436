#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::writers {

/// Where the picture lies and how lines look.
struct OverlayOptions {
  double x = 0;  ///< level-0 corner of the picture
  double y = 0;
  double scale = 1;                                ///< level-0 pixels per picture pixel
  double scale_y = 0;                              ///< downwards, where it differs; 0: the same as `scale`
  std::array<std::uint8_t, 3> color{0, 230, 118};  ///< of nuclei without a colour of their own
  double width_px = 1.5;                           ///< line width in picture pixels, anti-aliased
  /// Colours by type; nuclei without types and of types beyond the table have `color`.
  std::vector<std::array<std::uint8_t, 3>> type_colors{};
};

/// Draws the outlines onto the picture (RGB), in the order of the list.
/// @throws Error kInvalidArgument for a picture of other than 3 channels, for a scale or a line width out of range;
/// Cancelled.
void draw_outlines(Image& picture, const nuclei::NucleusList& nuclei, const OverlayOptions& options,
                   const CancelToken& cancel = {});

}  // namespace histojet::writers
