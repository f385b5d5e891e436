#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "slide/tiff_codec.hpp"
#include "slide/tiff_directory.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// How the samples of a directory are stored.
struct TiffLayout {
  std::uint64_t compression = 1;
  TiffCodec codec = TiffCodec::kNone;
  std::uint64_t photometric = 1;
  int samples = 1;
  int bits = 8;      ///< of the samples after decompression; picture codecs give 8, whatever they store
  int chroma_x = 1;  ///< pixels that share a pair of chroma samples, for YCbCr that is stored as samples
  int chroma_y = 1;
  bool separate_planes = false;  ///< planar configuration 2
  bool horizontal_difference = false;
  bool has_alpha = false;
  bool premultiplied = false;  ///< associated alpha
  bool big_endian = false;

  /// Samples that make the colour: 3 for RGB and YCbCr, else 1.
  int color_samples() const { return photometric == 2 || photometric == 6 ? 3 : 1; }
  int channels() const { return has_alpha ? 4 : 3; }
  /// YCbCr samples that the reader has to turn into RGB itself, in blocks of chroma_x x chroma_y pixels.
  bool stored_ycbcr() const { return photometric == 6 && stores_samples(codec); }
};

/// One directory of a TIFF file as a grid of tiles; strips are tiles as wide as the image. The tables of tile places
/// are read at the first use. Reading pixels follows TIFF 6.0 and the JPEG rules of the photometric tag (over markers
/// and component ids, as OpenSlide and libvips do). `file` must outlive the level.
class TiffLevel final : public TileGrid {
 public:
  /// @throws Error kCorruptFile when the geometry is impossible or the tile tables are too short for it,
  /// kUnsupportedFormat for samples that are not understood. An unknown compression fails at the first tile instead.
  TiffLevel(const TiffFile& file, const TiffDirectory& directory);

  const TiffDirectory& directory() const { return *directory_; }
  const TiffLayout& layout() const { return layout_; }
  /// Why no tile can be decoded ("compression … is not supported"), empty if they can.
  const std::string& unreadable() const { return unreadable_; }

  int channels() const override { return layout_.channels(); }
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;
  bool decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                   std::int64_t stride) const override;

  /// The smallest rectangle of pixels that holds all stored tiles; nothing when none or all are stored. Reads the byte
  /// counts only, 1 ms for ten gigapixels.
  std::optional<Rect> stored_bounds() const;

  /// Place and length of each stored piece (tile or strip; with separate planes one grid after the other).
  struct Piece {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  std::uint64_t piece_count() const;
  Piece piece(std::uint64_t index) const;

 private:
  void read_geometry();
  void read_layout();
  void read_color();
  void read_bits();
  void read_palette();
  void read_ycbcr();
  /// Why the layout cannot be decoded, empty if it can.
  std::string reason_unreadable() const;
  std::string where() const;
  std::uint64_t tile_count() const;
  std::uint64_t planes() const { return layout_.separate_planes ? static_cast<std::uint64_t>(layout_.samples) : 1; }
  /// Rows that the piece of tile row `row` stores: strips end with the image, tiles never do.
  std::int64_t stored_rows(std::int64_t row) const;
  /// Bytes of samples in one piece of so many rows.
  std::uint64_t piece_bytes(std::int64_t rows) const;
  const std::vector<std::uint32_t>& lengths() const;
  const std::vector<std::uint64_t>& offsets() const;
  std::string decode_picture(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                             bool tolerant) const;
  std::string decode_samples(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                             bool tolerant) const;
  /// The uncompressed samples of one piece, `bytes.size()` of them.
  std::string expand(const Piece& place, std::int64_t rows, std::span<std::uint8_t> bytes, bool tolerant) const;
  /// Decodes a stream of a picture codec to `channels`; `as_samples`: the components are taken as they are, else the
  /// colour is that of the layout.
  std::string picture(std::span<const std::uint8_t> stream, bool as_samples, int channels, std::int64_t rows,
                      std::uint8_t* out, std::int64_t stride, bool tolerant) const;

  const TiffFile* file_;
  const TiffDirectory* directory_;
  TiffLayout layout_;
  bool tiled_ = true;
  bool direct_ = false;  ///< streams decode straight to what the level gives out
  std::string unreadable_;
  std::vector<std::uint8_t> jpeg_tables_;
  std::vector<std::uint8_t> palette_;  ///< 256 RGB triplets, or empty

  mutable std::once_flag offsets_once_;
  mutable std::once_flag lengths_once_;
  mutable std::vector<std::uint64_t> offsets_;
  mutable std::vector<std::uint32_t> lengths_;
};

}  // namespace histojet::slide
