#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "readers/nucleus_reader.hpp"

namespace histojet::readers {

/// TIAToolbox' annotation store (interop-formats 3), an SQLite database: polygons and the parts of multipolygons are
/// nuclei, in the order of their row ids; points and lines are passed over. Geometry is well-known binary, plain or in
/// a zlib stream.
///
/// The property `type`, a text or a number, is the class. Numbers of classes are those of the table in the file's
/// provenance, or count from 1 in the order of the nuclei, and 0 is a nucleus without a class; lists have types by the
/// rules of GeoJSON. The property `prob` is the probability of the class: lists in which a nucleus has one have
/// probabilities, not a number where it is missing.
///
/// Areas are in square micrometres where the provenance tells the size of a pixel, else in square pixels.
///
/// @throws Error kUnsupportedFormat (no annotation store, other versions and compressions, geometry as text or with Z),
/// kCorruptFile, kIo.
std::unique_ptr<NucleusReader> open_annotation_store_file(const std::string& path);
/// The same of a database in memory, which must outlive the reader.
std::unique_ptr<NucleusReader> open_annotation_store(std::span<const std::uint8_t> bytes, const std::string& name);

/// Does a file begin like an SQLite database?
bool looks_like_annotation_store(std::span<const std::uint8_t> head);

}  // namespace histojet::readers
