#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slide/tiff_level.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// A rectangle of tiles that lie at equal steps. Columns and rows count the parts of stored tiles (see PlacedGrid).
struct TileBlock {
  std::int64_t first_column = 0;
  std::int64_t first_row = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  double x = 0;  ///< of the upper left corner of the first tile, pixels of the level
  double y = 0;
};

/// How the tiles of a level are laid out.
struct TilePlan {
  std::vector<TileBlock> blocks;  ///< a later one covers an earlier one
  double step_x = 0;              ///< from tile to tile, pixels of the level
  double step_y = 0;
  /// Each stored tile holds parts x parts tiles side by side without overlap (lower levels of Ventana BIF).
  std::int64_t parts = 1;
  std::int64_t width = 0;  ///< of the level
  std::int64_t height = 0;
};

/// Tiles of a TIFF level that overlap: where they do, the one to the lower right shows (openslide/openslide, grid
/// painting). Places are rounded to whole pixels. Between blocks the level is transparent.
class PlacedGrid final : public TileGrid {
 public:
  /// @throws Error kCorruptFile when steps are not between half a tile and two tiles, for more than 256 blocks, or for
  /// an impossible size.
  PlacedGrid(std::unique_ptr<const TiffLevel> level, TilePlan plan);

  const TiffLevel& level() const { return *level_; }

  void pieces(const Rect& window, std::vector<TilePiece>& out) const override;
  bool gapless() const override { return false; }
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;
  int channels() const override { return level_->channels(); }
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;

 private:
  /// Where the part `index` of a row of parts begins in its stored tile, and how long it is.
  struct Part {
    std::int64_t tile = 0;
    std::int64_t from = 0;
    std::int64_t size = 0;
  };
  Part part(std::int64_t index, std::int64_t tile_side, std::int64_t level_side) const;
  Rect place(const TileBlock& block) const;
  void add_pieces(const TileBlock& block, const Rect& window, std::vector<TilePiece>& out) const;
  /// The stored tile behind the numbers of a piece: columns and rows of this grid only count the stored tiles.
  std::int64_t stored_column(std::int64_t column, std::int64_t row) const;
  std::int64_t stored_row(std::int64_t column, std::int64_t row) const;

  std::unique_ptr<const TiffLevel> level_;
  TilePlan plan_;
};

}  // namespace histojet::slide
