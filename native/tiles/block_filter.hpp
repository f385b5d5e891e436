#pragma once

#include <functional>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "tiles/axis_filter.hpp"

namespace histojet::tiles {

/// Pixels [x, x + width) x [y, y + height) of a source. The view must stay valid until the next call with the same
/// `scratch`, which a source that has to decode may use as storage.
using SourceReader =
    std::function<ImageView(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Image& scratch)>;

/// Filters a source along both axes into `out` (1, 3 or 4 channels; pixels that no filter covers stay as they are).
/// Works block by block, at most about 4 megapixels of the source each, on the threads of the executor; the reader is
/// called from several threads. The result does not depend on the blocks.
void filter_image(const SourceReader& source, const AxisFilter& columns, const AxisFilter& rows, Image& out,
                  const CancelToken& cancel);

}  // namespace histojet::tiles
