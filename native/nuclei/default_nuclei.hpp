#pragma once

#include "nuclei/postprocess.hpp"
#include "nuclei/segmentation.hpp"

namespace histojet::nuclei {

/// Nuclei in the pixel-edge convention: of each object its largest 4-connected part (the first of equals), when it has
/// at least `min_area_px` pixels; numbered 1..n by their first pixels in raster order; pixels of dropped parts become
/// 0. Outlines are closed, simple, turn from x to y, and run around holes.
PostprocessResult default_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options);

}  // namespace histojet::nuclei
