#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "readers/outline_collector.hpp"

namespace histojet::readers {

/// Adds the outer rings of a geometry in well-known binary (OGC 06-103r4, section 8) to `outlines`: one nucleus for a
/// polygon, one per part for a multipolygon, none for points and lines. Both byte orders; rings of fewer than three
/// points are left out. `where` begins messages ("case.db: annotation 17").
/// @returns how many nuclei were added
/// @throws Error kCorruptFile; kUnsupportedFormat for collections, curves and coordinates with Z or M.
std::size_t append_wkb(std::span<const std::uint8_t> bytes, OutlineCollector& outlines, const std::string& where);

}  // namespace histojet::readers
