#pragma once

#include <string>
#include <vector>

#include "nuclei/nucleus_class.hpp"

namespace histojet::readers {

/// Longest provenance that is kept, in bytes.
inline constexpr std::size_t kLongestProvenance = 1 << 20;

/// What readers use of a file's provenance (docs/output-formats.md); everything else is for people.
struct FileProvenance {
  /// Micrometres per level-0 pixel, the geometric mean of both directions; 0 when unknown.
  double mpp = 0;
  /// Names and colours by type; empty when the file does not tell.
  std::vector<nuclei::NucleusClass> classes;
};

/// Reads one JSON object. What is not as our writers leave it counts as unknown: a provenance never makes a file
/// unreadable.
FileProvenance parse_provenance(const std::string& text);

}  // namespace histojet::readers
