#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slide/slide.hpp"

namespace histojet::slide {

/// One `Image` of OME-XML with its `Pixels` (schema 2016-06, and older ones where they agree).
struct OmeImage {
  std::string name;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 1;        ///< SizeC: samples of all channels together
  std::int64_t planes_z = 1;        ///< SizeZ
  std::int64_t planes_t = 1;        ///< SizeT
  std::uint64_t first_ifd = 0;      ///< directory of the plane z = 0, c = 0, t = 0
  std::vector<std::uint64_t> ifds;  ///< all directories that TiffData names by their first plane
  bool elsewhere = false;           ///< the first plane lies in another file
  std::optional<Mpp> mpp;
  std::optional<double> objective_power;
};

/// What OME-XML says about a file.
struct OmeMetadata {
  std::vector<OmeImage> images;
  std::map<std::string, std::string> properties;  ///< `ome.*`
};

/// Reads the XML of tag 270; nothing when it is no well-formed XML with the root `OME`.
/// @throws Error kUnsupportedFormat for files whose metadata lie in another file (BinaryOnly).
std::optional<OmeMetadata> parse_ome_xml(const std::string& text);

}  // namespace histojet::slide
