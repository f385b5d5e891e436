#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/nucleus_list.hpp"
#include "tensor/maps.hpp"

namespace histojet::nuclei {

/// Whose procedure splits the mask into nuclei (spec sections 5.1 and 5.2).
enum class Variant { kHoverNet, kHoverFast };

struct PostprocessOptions {
  Variant variant = Variant::kHoverNet;
  /// Bit-faithful to the reference, its defects included; contours then are OpenCV's integer pixel centres.
  bool compat = false;
  /// Smallest nucleus in map pixels; below 0: the variant's own (HoverNet 10, HoverFast 85). HoverNet in compat mode
  /// ignores it: the reference has its 10 px built in.
  double min_area_px = -1;
  /// Simplification in thousandths of the contour's length; 0 none; below 0: the variant's own in compat mode
  /// (HoverNet 0, HoverFast 6), 6 otherwise.
  double simplify = -1;
  /// scikit-image >= 0.25 raises a pushed value to the popped one; differs only on exact ties.
  bool monotone_watershed = false;
};

struct PostprocessResult {
  NucleusList nuclei;                ///< coordinates are map pixels, areas square pixels
  std::vector<std::int32_t> labels;  ///< [height, width]; 0 background, i + 1 for nucleus i (default mode);
                                     ///< the reference's own ids, gaps included, in compat mode
  std::vector<std::int32_t> ids;     ///< [n] the label of each nucleus in `labels`
};

/// Maps of one window → nuclei. Deterministic. A probability that is NaN counts as background, an infinite or NaN value
/// of the gradient maps as 0. @throws Error kShapeMismatch, kInvalidArgument; Cancelled.
PostprocessResult postprocess(const Maps& maps, const PostprocessOptions& options, const CancelToken& cancel = {});

}  // namespace histojet::nuclei
