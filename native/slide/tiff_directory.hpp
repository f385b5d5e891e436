#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

/// Tag numbers of TIFF 6.0 and its extensions that slides use.
namespace tag {
inline constexpr std::uint16_t kNewSubfileType = 254;
inline constexpr std::uint16_t kImageWidth = 256;
inline constexpr std::uint16_t kImageLength = 257;
inline constexpr std::uint16_t kBitsPerSample = 258;
inline constexpr std::uint16_t kCompression = 259;
inline constexpr std::uint16_t kPhotometric = 262;
inline constexpr std::uint16_t kDocumentName = 269;
inline constexpr std::uint16_t kImageDescription = 270;
inline constexpr std::uint16_t kMake = 271;
inline constexpr std::uint16_t kModel = 272;
inline constexpr std::uint16_t kStripOffsets = 273;
inline constexpr std::uint16_t kSamplesPerPixel = 277;
inline constexpr std::uint16_t kRowsPerStrip = 278;
inline constexpr std::uint16_t kStripByteCounts = 279;
inline constexpr std::uint16_t kXResolution = 282;
inline constexpr std::uint16_t kYResolution = 283;
inline constexpr std::uint16_t kPlanarConfiguration = 284;
inline constexpr std::uint16_t kXPosition = 286;
inline constexpr std::uint16_t kYPosition = 287;
inline constexpr std::uint16_t kResolutionUnit = 296;
inline constexpr std::uint16_t kSoftware = 305;
inline constexpr std::uint16_t kDateTime = 306;
inline constexpr std::uint16_t kArtist = 315;
inline constexpr std::uint16_t kHostComputer = 316;
inline constexpr std::uint16_t kPredictor = 317;
inline constexpr std::uint16_t kColorMap = 320;
inline constexpr std::uint16_t kTileWidth = 322;
inline constexpr std::uint16_t kTileLength = 323;
inline constexpr std::uint16_t kTileOffsets = 324;
inline constexpr std::uint16_t kTileByteCounts = 325;
inline constexpr std::uint16_t kSubIfds = 330;
inline constexpr std::uint16_t kExtraSamples = 338;
inline constexpr std::uint16_t kSampleFormat = 339;
inline constexpr std::uint16_t kJpegTables = 347;
inline constexpr std::uint16_t kYCbCrSubsampling = 530;
inline constexpr std::uint16_t kReferenceBlackWhite = 532;
inline constexpr std::uint16_t kXmp = 700;
inline constexpr std::uint16_t kCopyright = 33432;
inline constexpr std::uint16_t kIccProfile = 34675;
inline constexpr std::uint16_t kArgosXml = 65000;
inline constexpr std::uint16_t kNdpiFormat = 65420;
inline constexpr std::uint16_t kNdpiSourceLens = 65421;  ///< magnification; -1 macro, -2 map of the tissue
inline constexpr std::uint16_t kNdpiXOffset = 65422;     ///< nm from the centre of the slide
inline constexpr std::uint16_t kNdpiYOffset = 65423;
inline constexpr std::uint16_t kNdpiFocalPlane = 65424;
inline constexpr std::uint16_t kNdpiRestarts = 65426;  ///< bytes after restart markers, relative to the strip
inline constexpr std::uint16_t kNdpiReference = 65427;
inline constexpr std::uint16_t kNdpiRestartsHigh = 65432;  ///< upper halves of kNdpiRestarts
inline constexpr std::uint16_t kNdpiProperties = 65449;    ///< lines of key=value
}  // namespace tag

/// One field of a directory; its values stay in the file until somebody asks.
struct TiffField {
  std::uint16_t type = 0;
  std::uint64_t count = 0;
  std::uint64_t offset = 0;  ///< where the values lie in the file, also when they are inline
  std::uint32_t high = 0;    ///< NDPI: upper half of a single inline 32-bit value
};

class TiffFile;

/// The fields of one image of a TIFF file. Values are read at the call, every length checked against the file first;
/// errors are Error kCorruptFile naming the directory and the tag.
class TiffDirectory {
 public:
  TiffDirectory(const TiffFile& file, std::string name) : file_(&file), name_(std::move(name)) {}

  /// "directory 2" or "sub-directory 0", for messages.
  const std::string& name() const { return name_; }
  bool has(std::uint16_t tag) const { return fields_.contains(tag); }
  std::uint64_t count(std::uint16_t tag) const;
  bool tiled() const { return has(tag::kTileWidth); }

  /// Unsigned integer of any width. @throws when the tag exists with a type that is no integer or without values.
  std::optional<std::uint64_t> integer(std::uint16_t tag) const;
  std::uint64_t integer(std::uint16_t tag, std::uint64_t fallback) const { return integer(tag).value_or(fallback); }
  /// The first `count` values. @throws when the tag has fewer or they leave the file.
  std::vector<std::uint64_t> integers(std::uint16_t tag, std::uint64_t count) const;
  /// Throws what `integers` would, without reading the values.
  void check_integers(std::uint16_t tag, std::uint64_t count) const;
  /// A rational, floating-point or (signed) whole number; nothing when absent, of another type, not finite or with
  /// denominator 0.
  std::optional<double> number(std::uint16_t tag) const;
  /// Text up to the first NUL as stored (perhaps no UTF-8); nothing when absent or of another type.
  std::optional<std::string> text(std::uint16_t tag) const;
  /// The raw bytes of a field, at most 64 MiB.
  std::optional<std::vector<std::uint8_t>> bytes(std::uint16_t tag) const;

 private:
  friend class TiffFile;
  const TiffField* find(std::uint16_t tag) const;
  std::vector<std::uint8_t> read(std::uint16_t tag, const TiffField& field, std::uint64_t count) const;

  const TiffFile* file_;
  std::string name_;
  std::map<std::uint16_t, TiffField> fields_;
};

/// The directories of a TIFF or BigTIFF file of either byte order (TIFF 6.0; BigTIFF as libtiff documents it).
/// Loops, counts beyond the file and endless chains are met with warnings where directory 0 is still readable.
/// Hamamatsu NDPI is read too (openslide.github.io, formats/hamamatsu): its header and directories name the next
/// directory with 8 bytes, after them each field has 4 bytes with the upper half of its value or offset, and text is
/// never inline.
class TiffFile {
 public:
  /// Looks at the first bytes only.
  static bool looks_like_tiff(std::span<const std::uint8_t> head);
  /// @throws Error kCorruptFile when the header or directory 0 is damaged.
  explicit TiffFile(std::shared_ptr<const ByteSource> source);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  const ByteSource& source() const { return *source_; }
  bool big_endian() const { return big_endian_; }
  /// True for Hamamatsu NDPI: 64-bit offsets under a classic header.
  bool ndpi() const { return ndpi_; }
  const std::vector<TiffDirectory>& directories() const { return directories_; }
  /// The directories that tag 330 of directory 0 names.
  const std::vector<TiffDirectory>& sub_directories() const { return sub_directories_; }
  /// The directories that tag 330 of `parent` names, at most 64; damage ends the list with a warning.
  std::vector<TiffDirectory> sub_directories_of(const TiffDirectory& parent, std::vector<std::string>& warnings) const;
  /// Damage of the chain after directory 0.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// An unsigned integer of `size` bytes (1, 2, 4, 8) in the byte order of the file.
  std::uint64_t decode(const std::uint8_t* bytes, int size) const;

 private:
  bool looks_like_ndpi() const;
  void read_field(const std::uint8_t* entry, std::uint64_t entry_offset, std::uint32_t high,
                  TiffDirectory& directory) const;
  /// Appends the directory at `offset` to `list` and returns the offset of the next one. `total_fields` grows by its
  /// fields, up to a limit.
  std::uint64_t read_directory(std::uint64_t offset, std::vector<TiffDirectory>& list, const std::string& name,
                               std::uint64_t& total_fields) const;
  void read_chain(std::uint64_t first);

  std::shared_ptr<const ByteSource> source_;
  bool big_endian_ = false;
  bool big_tiff_ = false;
  bool ndpi_ = false;
  std::vector<TiffDirectory> directories_;
  std::vector<TiffDirectory> sub_directories_;
  std::vector<std::string> warnings_;
};

}  // namespace histojet::slide
