#include "slide/area_grid.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "slide/rects.hpp"

namespace histojet::slide {
namespace {

// Each area may cut the ones below it into pieces.
constexpr std::size_t kMaxAreas = 256;

Rect place_of(const PlacedArea& area) {
  return {area.x, area.y, area.level->width(), area.level->height()};
}

}  // namespace

AreaGrid::AreaGrid(std::vector<PlacedArea> areas, std::int64_t width, std::int64_t height) : areas_(std::move(areas)) {
  if (areas_.empty() || areas_.size() > kMaxAreas) {
    throw Error(ErrorCode::kCorruptFile, "expected 1 to 256 areas in a level, got " + std::to_string(areas_.size()));
  }
  const TiffLevel& first = *areas_.front().level;
  width_ = width;
  height_ = height;
  tile_width_ = first.tile_width();
  tile_height_ = first.tile_height();
  std::int64_t count = 0;
  for (const PlacedArea& area : areas_) {
    const TiffLevel& level = *area.level;
    if (level.tile_width() != tile_width_ || level.tile_height() != tile_height_ ||
        level.channels() != first.channels()) {
      throw Error(ErrorCode::kUnsupportedFormat, "areas with different tiles or channels in one level");
    }
    first_tiles_.push_back(count);
    count += level.tiles_across() * level.tiles_down();
  }
}

void AreaGrid::pieces(const Rect& window, std::vector<TilePiece>& out) const {
  std::vector<TilePiece> own;
  for (std::size_t i = 0; i < areas_.size(); ++i) {
    const Rect visible = intersection(window, place_of(areas_[i]));
    if (is_empty(visible)) continue;
    std::vector<Rect> parts{visible};
    for (std::size_t above = 0; above < i; ++above) parts = subtract(parts, place_of(areas_[above]));
    const PlacedArea& area = areas_[i];
    for (const Rect& part : parts) {
      own.clear();
      area.level->pieces({part.x - area.x, part.y - area.y, part.width, part.height}, own);
      for (TilePiece piece : own) {
        const std::int64_t number = first_tiles_[i] + piece.row * area.level->tiles_across() + piece.column;
        piece.column = number % tiles_across();
        piece.row = number / tiles_across();
        piece.area.x += area.x;
        piece.area.y += area.y;
        out.push_back(piece);
      }
    }
  }
}

AreaGrid::Tile AreaGrid::tile(std::int64_t column, std::int64_t row) const {
  const std::int64_t number = row * tiles_across() + column;
  const auto after = std::ranges::upper_bound(first_tiles_, number);
  const auto index = static_cast<std::size_t>(after - first_tiles_.begin() - 1);
  const TiffLevel& level = *areas_[index].level;
  const std::int64_t local = number - first_tiles_[index];
  return {&level, local % level.tiles_across(), local / level.tiles_across()};
}

void AreaGrid::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  const Tile found = tile(column, row);
  found.level->stored_ranges(found.column, found.row, out);
}

bool AreaGrid::has_tile(std::int64_t column, std::int64_t row) const {
  const Tile found = tile(column, row);
  return found.level->has_tile(found.column, found.row);
}

void AreaGrid::check_tile(std::int64_t column, std::int64_t row) const {
  const Tile found = tile(column, row);
  found.level->check_tile(found.column, found.row);
}

std::string AreaGrid::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                  bool tolerant) const {
  const Tile found = tile(column, row);
  return found.level->decode_tile(found.column, found.row, out, stride, tolerant);
}

}  // namespace histojet::slide
