#pragma once

#include <cstdint>
#include <string>

#include "slide/slide.hpp"

namespace histojet::slide {

/// One level as a plain grid of equal tiles, column by column and row by row from the upper left; what a format gives
/// to the region reader. Tiles at the right and lower border may reach beyond the level. Immutable, safe from any
/// number of threads.
class TileGrid {
 public:
  virtual ~TileGrid() = default;

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  std::int64_t tile_width() const { return tile_width_; }
  std::int64_t tile_height() const { return tile_height_; }
  std::int64_t tiles_across() const { return (width_ + tile_width_ - 1) / tile_width_; }
  std::int64_t tiles_down() const { return (height_ + tile_height_ - 1) / tile_height_; }

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
  /// False when decoding a tile is just copying, so that keeping a second copy helps nobody.
  virtual bool worth_caching() const { return true; }

 protected:
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  std::int64_t tile_width_ = 1;
  std::int64_t tile_height_ = 1;
};

}  // namespace histojet::slide
