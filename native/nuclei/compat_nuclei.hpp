#pragma once

#include "nuclei/postprocess.hpp"
#include "nuclei/segmentation.hpp"

namespace histojet::nuclei {

/// HoverNet's instance dictionary (spec section 5.1, "Instance info"): ids as in the map, integer contours, centroids
/// relative to pixel centres. The first id is lost when the tile has no background; objects whose contour has fewer
/// than 3 points stay in the map only.
PostprocessResult hovernet_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options);

/// HoverFast's features of a region (spec section 5.2, step 7): simplified, repaired integer rings in order; labels are
/// the image that the reference paints from them. Centroids are those of its slide mode, truncated polygon moments;
/// a repaired ring ends with its first point, as in the reference. Areas are the polygons'.
PostprocessResult hoverfast_nuclei(const Maps& maps, const Segmentation& objects, const PostprocessOptions& options);

}  // namespace histojet::nuclei
