#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slide/slide.hpp"
#include "slide/tiff_directory.hpp"
#include "slide/tiff_level.hpp"

namespace histojet::slide {

using Properties = std::map<std::string, std::string>;

/// `openslide.comment` and the `tiff.*` properties of a directory.
void add_tiff_properties(const TiffDirectory& directory, Properties& properties);

/// OpenSlide's quickhash-1: SHA-256 over the stored bytes of the smallest level and the text tags of the directory of
/// the properties. Nothing when the level holds more than 5 MiB or lies beyond the file.
std::optional<std::string> quickhash(const TiffFile& file, const TiffLevel& smallest, const TiffDirectory& directory);

/// Micrometres per pixel from XResolution, YResolution and ResolutionUnit; nothing without a unit of length.
std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory);

/// The first sensible of: the caller's override, the companion file, `vendor`, `resolution`, 10 micrometres / objective
/// power. Values below 0.01 or above 100 are refused with a warning. @throws Error kInvalidArgument for such an
/// override.
std::optional<Mpp> choose_mpp(const OpenOptions& options, const std::optional<Mpp>& vendor,
                              const std::optional<Mpp>& resolution, std::optional<double> objective_power,
                              std::vector<std::string>& warnings);

}  // namespace histojet::slide
