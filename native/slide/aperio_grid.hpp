#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "slide/scaled_painting.hpp"
#include "slide/tiff_level.hpp"

namespace histojet::slide {

/// A level of an Aperio slide. Some of these slides lack tiles, and tiles of smaller levels that were made from lacking
/// ones hold rubbish; such tiles are drawn from those of the larger level, which may have to be drawn themselves. In
/// level 0 they are transparent.
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
  /// The tiles of the larger level that a missing tile is drawn from; `x` and `y` is the corner of the first of them in
  /// pixels of the missing one. Width and height count tiles.
  struct Sources {
    Rect tiles;
    double x;
    double y;
  };
  /// The tiles that are not stored or made from such, by index.
  const std::vector<bool>& missing() const;
  bool is_missing(std::int64_t column, std::int64_t row) const;
  Sources sources_of(std::int64_t column, std::int64_t row) const;
  /// Calls `visit(column, row)` for each tile of `Sources`, in the order in which they are painted.
  template <class Visit>
  void each_source(std::int64_t column, std::int64_t row, Visit visit) const;
  /// Takes the tiles that the drawing of this one needs, itself included, from `budget`; false when it is too small.
  bool can_draw(std::int64_t column, std::int64_t row, std::int64_t& budget) const;
  Painting painting_of(std::int64_t column, std::int64_t row, bool tolerant) const;

  std::unique_ptr<const TiffLevel> level_;
  const AperioGrid* larger_;
  double downsample_ = 1;
  double shrink_ = 1;  ///< from the larger level
  mutable std::once_flag missing_once_;
  mutable std::vector<bool> missing_;
  mutable bool any_missing_ = false;
};

}  // namespace histojet::slide
