#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/byte_source.hpp"
#include "readers/nucleus_reader.hpp"

namespace histojet::readers {

/// HoVer-Net's JSON `{"mag": …, "nuc": {"1": {…}, …}}` (interop-formats 2.1), packed with gzip or not. Its contours run
/// through the centres of pixels: points become (x + 0.5, y + 0.5), still at the resolution of the file, whose
/// magnification() is "mag" when that stands before the nuclei. Centroids, boxes and areas (square pixels of the file)
/// are those of the outlines: HoVer-Net's own boxes are wrong for slides.
///
/// Lists have types where the first nucleus has one (`null` later on is 0), and probabilities where all nuclei of a
/// list have one. classes() are those of the provenance, if any: the format itself knows numbers only.
///
/// @throws Error kCorruptFile.
std::unique_ptr<NucleusReader> open_hovernet_json(std::shared_ptr<const ByteSource> bytes);
std::unique_ptr<NucleusReader> open_hovernet_json_file(const std::string& path);

/// Does a document begin with an object one of whose first members is the object "nuc"?
bool looks_like_hovernet_json(std::span<const std::uint8_t> head);

}  // namespace histojet::readers
