#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "slide/color_table.hpp"
#include "slide/slide.hpp"
#include "tensor/tensor.hpp"

namespace histojet::tiles {

/// How pixels become the input of a network: (value / 255 - mean) / deviation, per channel R, G, B.
struct Normalization {
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> deviation{1, 1, 1};
};

/// Windows of one size, read together.
struct BatchRequest {
  std::vector<std::array<double, 2>> corners;  ///< level-0 (x, y); fractions count with `mpp` only
  std::int64_t width = 0;                      ///< pixels of the result
  std::int64_t height = 0;
  std::optional<double> mpp;  ///< wanted resolution in micrometres per pixel, or
  int level = 0;              ///< pixels of this level, corners snapped to it
  bool planar = false;        ///< false: [batch, height, width, 3], true: [batch, 3, height, width]
  std::shared_ptr<const slide::ColorTable> colors;  ///< applied to the bytes, before they are normalised; may be null
  /// Given: float32; else the bytes as they are.
  std::optional<Normalization> normalization;
};

/// Reads all windows in parallel straight into one tensor, RGB composited on the slide's background. To a remote slide
/// the windows are announced ahead, in groups.
/// @throws Error kInvalidArgument (size, level, no mpp, deviation 0, more than 2^33 values), kOutOfMemory,
/// kCorruptFile, kIo; Cancelled.
Tensor read_batch(const slide::Slide& slide, const BatchRequest& request, const CancelToken& cancel = {});

}  // namespace histojet::tiles
