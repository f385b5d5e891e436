#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/components.hpp"
#include "nuclei/flood.hpp"
#include "tensor/maps.hpp"

namespace histojet::nuclei {

/// A tile cut into objects.
struct Segmentation {
  std::vector<std::int32_t> labels;  ///< [height, width] 0 background; numbers may have gaps
  std::vector<Run> runs;             ///< the objects' runs in raster order
  std::int32_t count = 0;            ///< largest label
};

/// A run of one labelling that lies inside one component of another.
struct Piece {
  Run run;                 ///< `run.label` belongs to the inner labelling, for example a marker
  std::int32_t component;  ///< of the outer labelling
};

/// The parts of `inner` that lie inside the components of `outer`, in raster order.
std::vector<Piece> pieces_inside(const Components& inner, const Components& outer);

/// Pieces grouped by the component that they lie in.
inline GroupsByLabel<Piece> pieces_by_component(std::span<const Piece> pieces, std::int32_t count) {
  return {pieces, count, [](const Piece& piece) { return piece.component; }};
}

/// The pixels of a plane that `inside(value)` holds for, 64 at a time without a branch.
template <class Inside>
BitMask pixels_where(const std::vector<float>& plane, std::int64_t height, std::int64_t width, Inside inside) {
  BitMask mask(height, width);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t w = 0; w < mask.words(); ++w) {
      const float* values = plane.data() + y * width + 64 * w;
      const std::int64_t count = std::min<std::int64_t>(64, width - 64 * w);
      std::uint64_t word = 0;
      for (std::int64_t i = 0; i < count; ++i) word |= static_cast<std::uint64_t>(inside(values[i])) << i;
      mask.row(y)[w] = word;
    }
  }
  return mask;
}

/// The pixels of `components` whose edge strength stays below the references' threshold of 0.4.
BitMask weak_edges(const Components& components, const std::vector<float>& strength);

/// Splits the pixels of `mask` into runs of equal, non-zero label.
std::vector<Run> labelled_runs(const std::vector<std::int32_t>& labels, std::int64_t width, const Components& mask);

/// HoverNet's procedure (spec section 5.1; hover_net models/hovernet/post_proc.py). `maps.hv` must be finite.
/// Labels are those of the markers, gaps included; objects without a marker vanish.
Segmentation segment_hovernet(const Maps& maps, bool monotone, const CancelToken& cancel);

/// HoverFast's procedure (spec section 5.2, steps 1 to 6; HoverFast utils_wsi.py and utils_roi.py). `maps.hv` must be
/// finite. Components of less than `min_area_px` are left out; labels are 1..n in the order of the reference.
Segmentation segment_hoverfast(const Maps& maps, double min_area_px, bool monotone, const CancelToken& cancel);

}  // namespace histojet::nuclei
