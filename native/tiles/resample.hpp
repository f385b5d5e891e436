#pragma once

#include "slide/slide.hpp"

namespace histojet::tiles {

/// Reads `width` x `height` pixels at `mpp` micrometres per pixel, corner at level-0 (x, y) (real numbers allowed):
/// area average when shrinking, bicubic (Catmull-Rom, a = -0.5) when enlarging, from the best level at or above the
/// wanted resolution. The grid is tied to level 0 alone, so windows read apart fit together without a seam.
/// @throws Error kInvalidArgument when the slide has no mpp.
struct ReadAtRequest {
  double x = 0;
  double y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  double mpp = 0;
  int channels = 3;
};
Image read_at(const slide::Slide& slide, const ReadAtRequest& request, const CancelToken& cancel = {});
/// The region of one level that read_at() reads, to announce it to a remote slide. @throws Error as read_at().
slide::RegionRequest source_region(const slide::Slide& slide, const ReadAtRequest& request);

/// Area average (down) or bicubic (up) of a whole image to a new size.
Image resize(ImageView image, std::int64_t width, std::int64_t height);

/// The whole slide within `max_size` pixels on its longer side, composited on the background. Never enlarged.
Image thumbnail(const slide::Slide& slide, std::int64_t max_size, const CancelToken& cancel = {});

}  // namespace histojet::tiles
