#include "slide/placed_grid.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "slide/rects.hpp"

namespace histojet::slide {
namespace {

// Each block may cut the ones below it into pieces.
constexpr std::size_t kMaxBlocks = 256;
constexpr std::int64_t kMaxSide = 0x7FFFFFFF;

/// What shows of the tiles of one axis of a block inside a window.
struct Span {
  std::int64_t index;  ///< of the tile in the block
  std::int64_t begin;  ///< pixels of the level
  std::int64_t end;
};

std::int64_t corner(double first, double step, std::int64_t index) {
  return static_cast<std::int64_t>(std::floor(first + static_cast<double>(index) * step + 0.5));
}

/// Tiles of `size` pixels at `first` + i `step`; each is covered by the next one.
std::vector<Span> visible_spans(double first, double step, std::int64_t count, std::int64_t size, std::int64_t begin,
                                std::int64_t end) {
  std::vector<Span> spans;
  const double before = (static_cast<double>(begin) - first - static_cast<double>(size)) / step - 1;
  for (auto i = static_cast<std::int64_t>(std::clamp(before, 0.0, static_cast<double>(count))); i < count; ++i) {
    const std::int64_t left = corner(first, step, i);
    if (left >= end) break;
    std::int64_t right = left + size;
    if (i + 1 < count) right = std::min(right, corner(first, step, i + 1));
    const Span span{i, std::max(left, begin), std::min(right, end)};
    if (span.begin < span.end) spans.push_back(span);
  }
  return spans;
}

}  // namespace

PlacedGrid::PlacedGrid(std::unique_ptr<const TiffLevel> level, TilePlan plan)
    : level_(std::move(level)), plan_(std::move(plan)) {
  const auto refuse = [](const std::string& what) { return Error(ErrorCode::kCorruptFile, what); };
  if (plan_.blocks.empty() || plan_.blocks.size() > kMaxBlocks) {
    throw refuse("expected 1 to 256 areas of tiles, got " + std::to_string(plan_.blocks.size()));
  }
  const std::int64_t widest = std::min(level_->tile_width(), level_->tile_height());
  if (plan_.parts < 1 || plan_.parts > widest) {
    throw refuse("tiles of " + std::to_string(widest) + " pixels cannot hold " + std::to_string(plan_.parts) +
                 " parts");
  }
  const auto sensible = [&](double step, std::int64_t side) {
    const double size = static_cast<double>(side) / static_cast<double>(plan_.parts);
    return step >= size / 2 && step <= size * 2;
  };
  if (!sensible(plan_.step_x, level_->tile_width()) || !sensible(plan_.step_y, level_->tile_height())) {
    throw refuse("tiles of " + std::to_string(level_->tile_width()) + " x " + std::to_string(level_->tile_height()) +
                 " pixels that overlap more than half or lie more than a tile apart");
  }
  if (plan_.width < 1 || plan_.height < 1 || plan_.width > kMaxSide || plan_.height > kMaxSide) {
    throw refuse("a level of " + std::to_string(plan_.width) + " x " + std::to_string(plan_.height) + " pixels");
  }
  width_ = plan_.width;
  height_ = plan_.height;
  tile_width_ = level_->tile_width();
  tile_height_ = level_->tile_height();
}

PlacedGrid::Part PlacedGrid::part(std::int64_t index, std::int64_t tile_side, std::int64_t level_side) const {
  const std::int64_t tile = index / plan_.parts;
  const std::int64_t number = index % plan_.parts;
  const std::int64_t from = number * tile_side / plan_.parts;
  // What lies beyond the stored image is filling.
  const std::int64_t stop = std::min((number + 1) * tile_side / plan_.parts, level_side - tile * tile_side);
  return {tile, from, stop - from};
}

Rect PlacedGrid::place(const TileBlock& block) const {
  const std::int64_t x = corner(block.x, plan_.step_x, 0);
  const std::int64_t y = corner(block.y, plan_.step_y, 0);
  return {x, y, corner(block.x, plan_.step_x, block.columns - 1) + tile_width_ / plan_.parts - x,
          corner(block.y, plan_.step_y, block.rows - 1) + tile_height_ / plan_.parts - y};
}

void PlacedGrid::pieces(const Rect& window, std::vector<TilePiece>& out) const {
  for (std::size_t i = 0; i < plan_.blocks.size(); ++i) {
    const Rect visible = intersection(window, place(plan_.blocks[i]));
    if (is_empty(visible)) continue;
    std::vector<Rect> rects{visible};
    for (std::size_t above = i + 1; above < plan_.blocks.size(); ++above) {
      rects = subtract(rects, place(plan_.blocks[above]));
    }
    for (const Rect& rect : rects) add_pieces(plan_.blocks[i], rect, out);
  }
}

void PlacedGrid::add_pieces(const TileBlock& block, const Rect& window, std::vector<TilePiece>& out) const {
  const std::vector<Span> columns =
      visible_spans(block.x, plan_.step_x, block.columns, tile_width_ / plan_.parts, window.x, window.x + window.width);
  const std::vector<Span> rows =
      visible_spans(block.y, plan_.step_y, block.rows, tile_height_ / plan_.parts, window.y, window.y + window.height);
  for (const Span& row : rows) {
    const Part part_y = part(block.first_row + row.index, tile_height_, level_->height());
    for (const Span& column : columns) {
      const Part part_x = part(block.first_column + column.index, tile_width_, level_->width());
      const std::int64_t x = column.begin - corner(block.x, plan_.step_x, column.index);
      const std::int64_t y = row.begin - corner(block.y, plan_.step_y, row.index);
      const std::int64_t width = std::min(column.end - column.begin, part_x.size - x);
      const std::int64_t height = std::min(row.end - row.begin, part_y.size - y);
      if (width <= 0 || height <= 0) continue;
      const std::int64_t number = part_y.tile * level_->tiles_across() + part_x.tile;
      out.push_back({number % tiles_across(),
                     number / tiles_across(),
                     {column.begin, row.begin, width, height},
                     part_x.from + x,
                     part_y.from + y});
    }
  }
}

std::int64_t PlacedGrid::stored_column(std::int64_t column, std::int64_t row) const {
  return (row * tiles_across() + column) % level_->tiles_across();
}

std::int64_t PlacedGrid::stored_row(std::int64_t column, std::int64_t row) const {
  return (row * tiles_across() + column) / level_->tiles_across();
}

void PlacedGrid::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  level_->stored_ranges(stored_column(column, row), stored_row(column, row), out);
}

bool PlacedGrid::has_tile(std::int64_t column, std::int64_t row) const {
  return level_->has_tile(stored_column(column, row), stored_row(column, row));
}

void PlacedGrid::check_tile(std::int64_t column, std::int64_t row) const {
  level_->check_tile(stored_column(column, row), stored_row(column, row));
}

std::string PlacedGrid::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                    bool tolerant) const {
  return level_->decode_tile(stored_column(column, row), stored_row(column, row), out, stride, tolerant);
}

}  // namespace histojet::slide
