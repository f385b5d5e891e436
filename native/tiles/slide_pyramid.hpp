#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/cancel.hpp"
#include "slide/pyramid_writer.hpp"
#include "slide/slide.hpp"

namespace histojet::tiles {

/// What of a slide becomes a new one.
struct SlideCopyOptions {
  std::optional<slide::Rect> region;  ///< level-0 pixels; cut to the slide; default the whole slide
  std::optional<int> level;           ///< copies the pixels of this level; default 0
  std::optional<double> mpp;          ///< resamples to this; not together with `level`. Recorded if the slide has none
};

/// A slide, a part of it, or either at another resolution, as the level 0 of a new pyramid: pixels on the slide's
/// background. Must not outlive the slide and the token.
class SlideSource final : public slide::PyramidSource {
 public:
  /// @throws Error kInvalidArgument for a region outside the slide, an unknown level, level and mpp together.
  SlideSource(const slide::Slide& slide, const SlideCopyOptions& options, const CancelToken& cancel);

  /// Fills in size and mpp of the new slide, and carries its ICC profile over.
  void describe(slide::PyramidOptions& options) const;
  Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override;

 private:
  void copy_level(int level);
  void resample(double mpp);

  const slide::Slide& slide_;
  const CancelToken& cancel_;
  slide::Rect region_;
  std::optional<int> level_;  // pixels are copied from here
  std::int64_t left_ = 0;     // of the copied part, in pixels of the level
  std::int64_t top_ = 0;
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  double scale_x_ = 1;  // level-0 pixels per new pixel
  double scale_y_ = 1;
  double mpp_x_ = 0;
  double mpp_y_ = 0;
};

}  // namespace histojet::tiles
