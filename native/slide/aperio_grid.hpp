#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "slide/tiff_level.hpp"

namespace histojet::slide {

/// A level of an Aperio slide. Some of these slides lack tiles, and tiles of smaller levels that were made from lacking
/// ones hold rubbish; such tiles are drawn from the nearest larger level that has all of the area, or from level 0,
/// where lacking tiles are transparent.
class AperioGrid final : public TileGrid {
 public:
  /// `larger` is the level before, null for level 0; both grids must live equally long.
  AperioGrid(std::unique_ptr<const TiffLevel> level, const AperioGrid* larger);

  const TiffLevel& level() const { return *level_; }
  int channels() const override;
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  /// Also those of the tiles that a missing one is drawn from.
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;
  bool decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                   std::int64_t stride) const override;

 private:
  struct Area {
    double x0, y0, x1, y1;
  };
  /// The tiles that are not stored or made from such, by index.
  const std::vector<bool>& missing() const;
  bool is_missing(std::int64_t column, std::int64_t row) const;
  Area area_in(const AperioGrid& source, std::int64_t column, std::int64_t row) const;
  /// The tiles that an area touches; width and height count tiles.
  Rect tiles_of(const Area& area) const;
  bool covers(const Area& area) const;
  const AperioGrid* source_for(std::int64_t column, std::int64_t row) const;
  void render(const AperioGrid& source, std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
              bool tolerant) const;

  std::unique_ptr<const TiffLevel> level_;
  const AperioGrid* larger_;
  mutable std::once_flag missing_once_;
  mutable std::vector<bool> missing_;
  mutable bool any_missing_ = false;
};

}  // namespace histojet::slide
