#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slide/tiff_level.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// A scanned area that is a TIFF level of its own, and where its upper left corner lies on the canvas.
struct PlacedArea {
  std::unique_ptr<const TiffLevel> level;
  std::int64_t x = 0;  ///< pixels of the level
  std::int64_t y = 0;
};

/// Several areas on one canvas (Leica SCN). Between them the level is transparent; where areas overlap the first one
/// shows.
class AreaGrid final : public TileGrid {
 public:
  /// `width` x `height`: the canvas; areas may reach beyond it. @throws Error kUnsupportedFormat when the areas differ
  /// in their tiles or channels, kCorruptFile without areas.
  AreaGrid(std::vector<PlacedArea> areas, std::int64_t width, std::int64_t height);

  const std::vector<PlacedArea>& areas() const { return areas_; }

  void pieces(const Rect& window, std::vector<TilePiece>& out) const override;
  bool gapless() const override { return false; }
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;
  int channels() const override { return areas_.front().level->channels(); }
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;

 private:
  /// A tile of one of the areas. Columns and rows of this grid only number the tiles of all areas, one after the other.
  struct Tile {
    const TiffLevel* level;
    std::int64_t column;
    std::int64_t row;
  };
  Tile tile(std::int64_t column, std::int64_t row) const;

  std::vector<PlacedArea> areas_;
  std::vector<std::int64_t> first_tiles_;  ///< number of the first tile of each area
};

}  // namespace histojet::slide
