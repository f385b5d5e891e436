#pragma once

#include <vector>

#include "base/image.hpp"
#include "nuclei/outline_shape.hpp"
#include "nuclei/postprocess.hpp"
#include "pipeline/segment_slide.hpp"

namespace histojet::pipeline {

/// hematoxylin_od_mean, hematoxylin_od_std and the same of the other stain (eosin for kHe, dab for kIhcDab), one value
/// per nucleus: mean and standard deviation (of the population) of the stain's optical density over the pixels of the
/// nucleus's label. A pixel's densities -log10(max(value, 1) / 255) of red, green and blue are the sum of those of
/// haematoxylin, eosin and DAB (tiles::kHed), as in scikit-image's rgb2hed, whose numbers are a sixth of these and cut
/// at 0. Nothing is cut here. NaN for nuclei without pixels (compat mode: one that others cover).
/// `rgb`: the picture that `found` came from, of the size of its labels, as it was before keep_haematoxylin().
/// @throws Error kInternal when the sizes differ.
std::vector<nuclei::MeasurementColumn> stain_columns(const nuclei::PostprocessResult& found, ImageView rgb,
                                                     Stain stain);

/// Gives the nuclei of `found`, still in pixels of `rgb`, the columns of nuclei::shape_columns() and stain_columns().
/// Outlines of compat mode run through the centres of border pixels and are measured as they are: they lie half a pixel
/// inside those of the default mode.
void measure_nuclei(nuclei::PostprocessResult& found, ImageView rgb, Stain stain, const nuclei::LengthUnit& unit);

}  // namespace histojet::pipeline
