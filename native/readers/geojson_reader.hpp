#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/byte_source.hpp"
#include "readers/nucleus_reader.hpp"

namespace histojet::readers {

/// GeoJSON as QuPath and others write it (interop-formats 1): a FeatureCollection, an array of features, collections
/// and geometries, single ones, or one after the other; packed with gzip or not. The outer ring of every polygon is a
/// nucleus; other geometries have none. Open rings count as closed, rings of fewer than three points are left out.
///
/// Classes are those of `properties.classification`: a text, `{name}` or `{names}` (joined with ": "). Their numbers
/// are those of the table in the file's provenance, or count from 1 in the order of the nuclei, and 0 is a nucleus
/// without a class. Lists have types unless the file names no class but "Nucleus"; of a file of others' that names no
/// further one among its first 65 536 nuclei, they have types all the same, since a class may follow.
///
/// Areas are in square micrometres where the provenance tells the size of a pixel, else in square pixels.
///
/// @throws Error kCorruptFile; kUnsupportedFormat for a GeometryCollection and for more than 255 classes.
std::unique_ptr<NucleusReader> open_geojson(std::shared_ptr<const ByteSource> bytes);
std::unique_ptr<NucleusReader> open_geojson_file(const std::string& path);

/// Does a document begin like JSON?
bool looks_like_geojson(std::span<const std::uint8_t> head);

}  // namespace histojet::readers
