#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

/// What one file of a whole-slide series says about its pixels; sizes in pixels (DICOM PS3.3, C.8.12).
struct DicomInstance {
  std::shared_ptr<const ByteSource> source;
  std::string transfer_syntax;
  std::string sop_instance;
  std::string series;
  std::string concatenation;               ///< empty for a file that is whole by itself
  std::uint64_t concatenation_offset = 0;  ///< frames before the first one of this file
  std::string kind;                        ///< third value of ImageType: VOLUME, LABEL, OVERVIEW, THUMBNAIL, …
  bool tiled_full = false;
  std::int64_t columns = 0;  ///< of a frame
  std::int64_t rows = 0;
  std::int64_t total_columns = 0;
  std::int64_t total_rows = 0;
  std::uint64_t frames = 1;
  int samples = 1;
  int bits_allocated = 8;
  bool is_signed = false;
  bool separate_planes = false;
  std::string photometric;
  std::optional<double> spacing_x_mm;  ///< distance of two columns
  std::optional<double> spacing_y_mm;
  std::optional<double> objective_power;
  std::string barcode;
  std::optional<ByteRange> icc_profile;

  /// Upper left corner of a frame in the total pixel matrix, counted from 0.
  struct Position {
    std::int64_t x = -1;
    std::int64_t y = -1;
  };
  std::vector<Position> positions;  ///< by frame, as far as the file gives them

  /// Value of the pixel data, and of the tables before them.
  ByteRange pixel_data;
  bool encapsulated = false;
  ByteRange extended_offsets;
  ByteRange extended_lengths;

  const std::string& name() const { return source->name(); }
};

/// SOP class and series of a file, for finding the files that belong together; read from its first bytes.
struct DicomIdentity {
  std::string sop_class;
  std::string series;
};

inline constexpr const char* kWholeSlideSopClass = "1.2.840.10008.5.1.4.1.1.77.1.6";

/// @throws Error kCorruptFile, kUnsupportedFormat.
DicomIdentity read_dicom_identity(const ByteSource& source);

/// Reads everything but the pixels. @throws Error kCorruptFile when sizes are missing or impossible, kUnsupportedFormat
/// when the file is no whole-slide image.
DicomInstance read_dicom_instance(std::shared_ptr<const ByteSource> source);

/// The attributes of a file as `dicom.Keyword`, with `[i]` for items and for one of several values, as OpenSlide 4
/// writes them. Long values, per-frame groups and private attributes are left out.
void add_dicom_properties(const ByteSource& source, std::map<std::string, std::string>& properties);

}  // namespace histojet::slide
