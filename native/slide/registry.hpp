#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "slide/slide.hpp"
#include "slide/tiff_directory.hpp"

namespace histojet::slide {

/// What a format looks at to find out whether a file is its own.
class OpenContext {
 public:
  OpenContext(std::shared_ptr<const ByteSource> source, const OpenOptions& options);

  const std::shared_ptr<const ByteSource>& source() const { return source_; }
  const OpenOptions& options() const { return options_; }
  const std::string& path() const { return source_->name(); }
  /// The first bytes of the file, at most 4096.
  const std::vector<std::uint8_t>& head() const { return head_; }
  bool starts_with(std::string_view magic, std::size_t at = 0) const;
  /// The parsed directories, or null when the file is no TIFF. @throws Error kCorruptFile for a damaged TIFF.
  const std::shared_ptr<const TiffFile>& tiff() const;
  /// ImageDescription of directory 0 as stored, empty without; read once, because most formats look at it.
  const std::string& description() const;

 private:
  std::shared_ptr<const ByteSource> source_;
  const OpenOptions& options_;
  std::vector<std::uint8_t> head_;
  mutable bool parsed_ = false;
  mutable std::shared_ptr<const TiffFile> tiff_;
  mutable std::optional<std::string> description_;
};

/// One line of the registry. A new format is a file `format_x.cpp`, its two declarations in formats.hpp and a line.
struct Format {
  const char* name;  ///< for messages
  bool (*detect)(const OpenContext& context);
  /// Null: the format is recognised, so that nothing else here misreads it; an installed OpenSlide may read it.
  std::shared_ptr<const Slide> (*open)(const OpenContext& context);
};

/// Opens with the first format that recognises the file, or with an installed OpenSlide where no format reads it.
/// @throws Error kUnsupportedFormat, kCorruptFile, kIo.
std::shared_ptr<const Slide> open_with_registry(std::shared_ptr<const ByteSource> source, const OpenOptions& options);

/// Slides that are folders (OME-Zarr; DICOM, where the folder holds one series). Null when `path` is no folder.
/// @throws Error kUnsupportedFormat for other folders, and what opening throws.
std::shared_ptr<const Slide> open_folder(const std::string& path, const OpenOptions& options);

}  // namespace histojet::slide
