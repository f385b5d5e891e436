#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "slide/slide.hpp"

namespace histojet::slide {

/// The part of one stored tile that shows in a level.
struct TilePiece {
  std::int64_t column = 0;  ///< of the stored tile
  std::int64_t row = 0;
  Rect area;                ///< in pixels of the level
  std::int64_t tile_x = 0;  ///< pixel of the tile at the upper left corner of `area`
  std::int64_t tile_y = 0;
};

/// One level as a grid of stored tiles of one size; what a format gives to the region reader. The plain case is
/// column by column and row by row from the upper left, with tiles at the right and lower border that may reach beyond
/// the level; formats whose tiles overlap or leave gaps override `pieces`. Immutable, safe from any number of threads.
class TileGrid {
 public:
  virtual ~TileGrid() = default;

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  std::int64_t tile_width() const { return tile_width_; }
  std::int64_t tile_height() const { return tile_height_; }
  std::int64_t tiles_across() const { return (width_ + tile_width_ - 1) / tile_width_; }
  std::int64_t tiles_down() const { return (height_ + tile_height_ - 1) / tile_height_; }

  /// The visible parts of tiles inside `window`, which lies inside the level. Pieces never overlap (where tiles do, the
  /// format decides which one shows); what no piece covers is transparent. Appends to `out`.
  virtual void pieces(const Rect& window, std::vector<TilePiece>& out) const;
  /// True when pieces cover every pixel of the level.
  virtual bool gapless() const { return true; }
  /// Where the bytes of a tile lie, so that remote sources can fetch the tiles of a region together. Appends.
  virtual void stored_ranges(std::int64_t /*column*/, std::int64_t /*row*/, std::vector<ByteRange>& /*out*/) const {}

  /// Channels that tiles decode to: 3 (opaque RGB) or 4 (RGB with straight alpha).
  virtual int channels() const = 0;
  /// False where nothing is stored; such tiles are transparent. @throws Error when the tile table cannot be read.
  virtual bool has_tile(std::int64_t column, std::int64_t row) const = 0;
  /// Throws what decode_tile would for a tile that cannot hold its pixels, before anybody allocates them.
  virtual void check_tile(std::int64_t, std::int64_t) const {}
  /// Decodes one whole tile into rows `stride` bytes apart. Returns a warning of a tolerant decoder, else empty.
  /// @throws Error kCorruptFile, kUnsupportedFormat (codec), kIo; the caller adds which tile of which level it was.
  virtual std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                  bool tolerant) const = 0;
  /// Decodes the rectangle `part` of a tile (in its pixels) alone, into rows `stride` bytes apart: the same pixels as
  /// decode_tile gives there, for less work. False where the format has no cheaper way than the whole tile; then `out`
  /// is untouched. Strict. @throws as decode_tile.
  virtual bool decode_part(std::int64_t /*column*/, std::int64_t /*row*/, const Rect& /*part*/, std::uint8_t* /*out*/,
                           std::int64_t /*stride*/) const {
    return false;
  }
  /// False when decoding a tile is just copying, so that keeping a second copy helps nobody.
  virtual bool worth_caching() const { return true; }

 protected:
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  std::int64_t tile_width_ = 1;
  std::int64_t tile_height_ = 1;
};

}  // namespace histojet::slide
