#pragma once

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "models/session_pool.hpp"
#include "tensor/maps.hpp"

namespace histojet::pipeline {

enum class Stain { kHe, kIhcDab };

/// The raw maps, [height, width], of one picture of any size by a network that pads. The border is mirrored (edge pixel
/// not repeated), as in the reference's ROI mode (`hoverfast/utils_roi.py`). Uses all threads of the executor.
/// @throws Error kInvalidArgument for what is no RGB picture.
Maps predict_maps(models::SessionPool& sessions, ImageView rgb, Stain stain, const CancelToken& cancel);

}  // namespace histojet::pipeline
