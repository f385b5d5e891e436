#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/nucleus_class.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::readers {

/// Nuclei of a file, batch by batch, in bounded memory however large the file is. Coordinates are those of the file.
/// Not safe from several threads at once.
class NucleusReader {
 public:
  virtual ~NucleusReader() = default;
  /// Opens a file; the format is recognised by content unless it is named. @throws Error kInvalidArgument (unknown
  /// format, naming the known ones), kUnsupportedFormat (none of them), kCorruptFile, kIo.
  static std::unique_ptr<NucleusReader> open(const std::string& path, const std::string& format = "");

  /// The next nuclei, none at the end. Lists are typed when the file gives classes to its nuclei.
  /// @throws Error kCorruptFile saying where, kIo; Cancelled. After that the reader gives nothing more: kDisposed.
  virtual std::optional<nuclei::NucleusList> next(const CancelToken& cancel) = 0;
  /// Names and colours by type id, as far as the file has been read; empty for files without classes.
  virtual const std::vector<nuclei::NucleusClass>& classes() const = 0;
  /// What the file says of its origin: one JSON object as our writers leave it, or empty.
  virtual const std::string& provenance() const = 0;
  /// Magnification of the coordinates, where the file tells one; formats in level-0 pixels have none.
  virtual std::optional<double> magnification() const { return std::nullopt; }
  /// One of reader_formats().
  virtual const std::string& format() const = 0;
};

/// Formats that open() knows, for messages and `--help`.
const std::vector<std::string>& reader_formats();

}  // namespace histojet::readers
