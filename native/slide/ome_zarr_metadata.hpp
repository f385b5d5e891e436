#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

/// An axis of the arrays: "t", "c", "z", "y", "x", and its unit ("micrometer") or "".
struct OmeZarrAxis {
  std::string name;
  std::string unit;
};

/// One resolution: its folder below the image, and the size of a pixel along each axis (empty: not said).
struct OmeZarrDataset {
  std::string path;
  std::vector<double> scale;
};

/// The first multi-scale image of a group (OME-NGFF 0.1 to 0.5, `multiscales`).
struct OmeZarrImage {
  std::string folder;   ///< of the group that holds the image
  std::string version;  ///< "0.4"; may be empty
  std::string name;
  std::vector<OmeZarrAxis> axes;
  std::vector<OmeZarrDataset> datasets;
  std::vector<std::shared_ptr<const ByteSource>> files;  ///< metadata that were read
};

/// Reads `.zattrs` (Zarr 2) or `zarr.json` (Zarr 3) of a folder; of a collection (bioformats2raw.layout) its image 0.
/// @throws Error kCorruptFile, kIo, kUnsupportedFormat when the group holds no image.
OmeZarrImage read_ome_zarr_image(const std::string& folder);

/// Micrometres per unit of length; nothing for units of other kinds and for unknown ones.
std::optional<double> micrometres_per_unit(const std::string& unit);

}  // namespace histojet::slide
