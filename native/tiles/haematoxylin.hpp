#pragma once

#include "base/image.hpp"

namespace histojet::tiles {

/// Makes an H-DAB tile look like haematoxylin alone, as HoverFast does before its network (spec section 4.1; stain
/// matrix H, E, D of its `ihc_dab` mode): colour deconvolution in optical density, only H kept, back to RGB.
/// RGB in place; results are rounded to 8 bits (the reference keeps half floats, at most 0.5/255 away).
void keep_haematoxylin(Image& rgb);

}  // namespace histojet::tiles
