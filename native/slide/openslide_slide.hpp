#pragma once

#include <memory>
#include <string>

#include "base/byte_source.hpp"
#include "slide/slide.hpp"

namespace histojet::slide {

/// Opens a local file with an installed OpenSlide, for formats that the core does not read. Null when that is not
/// possible, with the reason in `why_not` (switched off, not installed, not recognised either, no local file).
///
/// Regions keep the rule of this library: at whole pixels of a level nothing is blended. OpenSlide blends where a pixel
/// of the level does not begin at a whole level-0 pixel; there, the nearest position that does is read, if there is one
/// within 512 pixels to the left or above. `kBilinear` gives OpenSlide's own values.
/// @throws Error kCorruptFile with OpenSlide's message when it recognises the file but cannot open it.
std::shared_ptr<const Slide> open_with_openslide(const std::shared_ptr<const ByteSource>& source,
                                                 const OpenOptions& options, std::string& why_not);

}  // namespace histojet::slide
