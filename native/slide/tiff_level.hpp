#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "slide/tiff_directory.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// How the samples of a directory are stored.
struct TiffLayout {
  std::uint64_t compression = 1;
  std::uint64_t photometric = 1;
  int samples = 1;
  int bits = 8;
  bool separate_planes = false;  ///< planar configuration 2
  bool horizontal_difference = false;
  bool has_alpha = false;
  bool premultiplied = false;  ///< associated alpha
  bool big_endian = false;

  /// Samples that make the colour: 3 for RGB and YCbCr, else 1.
  int color_samples() const { return photometric == 2 || photometric == 6 ? 3 : 1; }
  int channels() const { return has_alpha ? 4 : 3; }
};

/// "JPEG 2000 (Aperio, 33005)": what messages call a compression.
std::string compression_name(std::uint64_t compression);

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
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;

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
  std::uint64_t tile_count() const;
  /// Rows that the piece of tile row `row` stores: strips end with the image, tiles never do.
  std::int64_t stored_rows(std::int64_t row) const;
  void load_tables() const;
  std::string decode_jpeg(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const;
  std::string decode_samples(std::uint64_t index, std::int64_t rows, std::uint8_t* out, std::int64_t stride,
                             bool tolerant) const;
  /// The uncompressed bytes of one piece, `bytes.size()` of them.
  std::string expand(const Piece& place, std::int64_t rows, std::span<std::uint8_t> bytes, bool tolerant) const;

  const TiffFile* file_;
  const TiffDirectory* directory_;
  TiffLayout layout_;
  bool tiled_ = true;
  std::string unreadable_;
  std::vector<std::uint8_t> jpeg_tables_;
  std::vector<std::uint8_t> palette_;  ///< 256 RGB triplets, or empty

  mutable std::once_flag tables_once_;
  mutable std::vector<std::uint64_t> offsets_;
  mutable std::vector<std::uint32_t> lengths_;
};

}  // namespace histojet::slide
