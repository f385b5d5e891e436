#pragma once

#include <string>

#include "slide/pyramid_writer.hpp"

namespace histojet::slide {

/// The OME-XML (schema 2016-06) of a pyramid that is one plane of one image: what OME-TIFF wants as ImageDescription
/// of its first directory. `options.description` names the image. ASCII only, as TIFF asks of its texts.
std::string ome_description(const PyramidOptions& options);

}  // namespace histojet::slide
