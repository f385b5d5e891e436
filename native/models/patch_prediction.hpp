#pragma once

#include <cstdint>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "models/session_pool.hpp"
#include "tensor/maps.hpp"

namespace histojet::models {

/// Maps of a whole picture from a network whose maps are smaller than its tiles (output_margin_px), as HoVer-Net's
/// reference makes them (vqdang/hover_net infer/tile.py): patches of `side_px` whose maps lie side by side, the picture
/// mirrored around its border without repeating the edge pixel, as often as it takes; everything cut to its size.
///
/// rgb: [height, width, 3], at least 1 x 1. side_px: 0 for the network's own. Larger patches cost less per pixel, but
/// the network pads inside, so maps differ a little from those of the reference's size.
/// @throws Error kInvalidArgument for an empty picture and a side that the network does not take; Cancelled.
Maps predict_patches(SessionPool& sessions, ImageView rgb, std::int64_t side_px, int max_threads,
                     const CancelToken& cancel);

}  // namespace histojet::models
