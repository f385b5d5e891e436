#pragma once

#include <cstdint>
#include <vector>

#include "slide/slide.hpp"

namespace histojet::tiles {

/// 1 where there is tissue; a pixel covers `downsample` x `downsample` level-0 pixels.
struct TissueMask {
  std::int64_t width = 0;
  std::int64_t height = 0;
  double downsample = 1;
  std::vector<std::uint8_t> data;

  /// Share of tissue (0..1) in a rectangle of level-0 pixels; parts outside the mask count as background.
  double share(double x, double y, double width, double height) const;
};

/// Otsu's threshold on the optical density of the stain (saturation-weighted, so that grey dirt and pen shadows do not
/// count), then small holes closed and specks removed. `mpp` is the mask's resolution; a slide without mpp is taken as
/// 0.25. A slide without any tissue gives an empty mask, one without background a full one.
TissueMask find_tissue(const slide::Slide& slide, double mpp = 8, const CancelToken& cancel = {});

}  // namespace histojet::tiles
