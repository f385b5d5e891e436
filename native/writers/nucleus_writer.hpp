#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nuclei/nucleus_class.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::writers {

using nuclei::NucleusClass;

enum class Origin { kBounds, kLevel0 };

struct WriterOptions {
  std::string path;              ///< final name; bytes go to `<path>.part` until close()
  std::string format;            ///< one of writer_formats(); empty: from the extension
  std::optional<Origin> origin;  ///< default: bounds for GeoJSON, level 0 for the rest
  std::int64_t bounds_x = 0;     ///< level-0 corner of the slide's bounds
  std::int64_t bounds_y = 0;
  double mpp = 0;                     ///< of level 0; 0 when unknown (areas then are in pixels)
  double processing_mpp = 0;          ///< HoverNet JSON: coordinates are written at this resolution; 0: level 0
  std::string fingerprint;            ///< of the slide; seeds the ids
  std::string weights_hash;           ///< of the model; seeds the ids
  std::string provenance;             ///< one JSON object, written where the format has room; no clock time in it
  std::vector<NucleusClass> classes;  ///< index = type id; empty: one class "Nucleus"
  std::string other_formats;          ///< "name (.extension)" of those that the caller writes itself, for messages
};

/// Streams nuclei into a file with bounded memory. After every write() the `.part` is a complete, readable document;
/// DICOM's, whose lengths come first, is empty until close() or destruction.
/// Not safe from several threads at once.
class NucleusWriter {
 public:
  virtual ~NucleusWriter() = default;
  /// @throws Error kInvalidArgument (unknown format, naming the known ones), kIo.
  static std::unique_ptr<NucleusWriter> create(const WriterOptions& options);
  virtual void write(const nuclei::NucleusList& batch) = 0;
  /// Finishes the document and gives it its final name. Calling twice is fine.
  virtual void close() = 0;
  virtual std::int64_t count() const = 0;
};

/// Formats that create() knows, for messages and `--help`.
const std::vector<std::string>& writer_formats();

}  // namespace histojet::writers
