#pragma once

#include "base/cancel.hpp"
#include "slide/slide.hpp"

namespace histojet::tiles {

/// A window whose pixels are `scale_x` x `scale_y` level-0 pixels large; corner at level-0 (x, y), real numbers.
struct ScaledWindow {
  double x = 0;
  double y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  double scale_x = 1;
  double scale_y = 1;
  int channels = 3;
};

/// The work behind read_at(), for callers that know the scale. Pixels whose centre lies outside the slide are
/// background (transparent with 4 channels). @throws Error kInvalidArgument (size, channels, position, scale).
Image read_scaled(const slide::Slide& slide, const ScaledWindow& window, const CancelToken& cancel);

/// The region of one level that read_scaled() reads for this window, to announce it to a remote slide.
slide::RegionRequest source_region(const slide::Slide& slide, const ScaledWindow& window);

}  // namespace histojet::tiles
