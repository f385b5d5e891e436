#pragma once

#include <functional>
#include <string>

#include "slide/aperio_grid.hpp"
#include "slide/registry.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {

/// The directories of a file that is organised as Aperio SVS: tiled ones are levels in file order, each drawing missing
/// tiles from the larger ones; stripped ones are associated images.
struct AperioDirectories {
  SlideParts parts;                      ///< grids, associated images, ICC profile, warnings
  const AperioGrid* smallest = nullptr;  ///< the last level
};

/// `name_of` gives the name of the stripped directory `index`, empty for one that is left out. Damaged directories
/// after the first are left out with a warning. @throws Error kCorruptFile, kUnsupportedFormat for directory 0; kIo.
AperioDirectories read_aperio_directories(
    const OpenContext& context, const std::function<std::string(const TiffDirectory&, std::size_t index)>& name_of);

}  // namespace histojet::slide
