#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/components.hpp"
#include "nuclei/flood.hpp"
#include "nuclei/normalize.hpp"
#include "tensor/maps.hpp"

namespace histojet::nuclei {

/// A tile cut into objects.
struct Segmentation {
  std::vector<Run> runs;   ///< the objects' runs; those of one object in raster order
  std::int32_t count = 0;  ///< largest label; numbers may have gaps
};

/// Writes `label` into the pixels of `runs`; labels: rows of `width`.
void paint(std::span<const Run> runs, std::int32_t label, std::int64_t width, std::vector<std::int32_t>& labels);

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

/// All seeds are pieces of one marker.
bool one_marker(std::span<const Piece> seeds);

/// The pixels of a plane whose value is at least `threshold`; NaN is not.
BitMask pixels_at_least(const std::vector<float>& plane, std::int64_t height, std::int64_t width, float threshold);

/// Adds the pixels of `run` as runs of equal label; those of label 0 and below are left out. `row`: labels from column
/// 0 on.
void append_labelled(const Run& run, const std::int32_t* row, std::vector<Run>& runs);

/// HoverNet's procedure (spec section 5.1; hover_net models/hovernet/post_proc.py). `maps.hv` must be finite, `ranges`
/// are its own. Labels are those of the markers, gaps included; objects without a marker vanish.
Segmentation segment_hovernet(const Maps& maps, const GradientRanges& ranges, bool monotone, const CancelToken& cancel);

/// HoverFast's procedure (spec section 5.2, steps 1 to 6; HoverFast utils_wsi.py and utils_roi.py). `maps.hv` must be
/// finite, `ranges` are its own. Components of less than `min_area_px` are left out; labels are 1..n in the order of
/// the reference.
Segmentation segment_hoverfast(const Maps& maps, const GradientRanges& ranges, double min_area_px, bool monotone,
                               const CancelToken& cancel);

}  // namespace histojet::nuclei
