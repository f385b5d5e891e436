#include "slide/aperio_grid.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "slide/box_scale.hpp"
#include "slide/region.hpp"

namespace histojet::slide {
namespace {

// A tile of a tiny level may stand for gigapixels of level 0; drawing it then costs more than it tells.
constexpr double kMaxSourcePixels = 1 << 28;
constexpr double kBandPixels = 1 << 22;

}  // namespace

AperioGrid::AperioGrid(std::unique_ptr<const TiffLevel> level, const AperioGrid* larger)
    : level_(std::move(level)), larger_(larger) {
  width_ = level_->width();
  height_ = level_->height();
  tile_width_ = level_->tile_width();
  tile_height_ = level_->tile_height();
}

const std::vector<bool>& AperioGrid::missing() const {
  std::call_once(missing_once_, [this] {
    const std::int64_t across = tiles_across();
    missing_.resize(static_cast<std::size_t>(across * tiles_down()));
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      missing_[i] = !level_->has_tile(static_cast<std::int64_t>(i) % across, static_cast<std::int64_t>(i) / across);
    }
    if (larger_ != nullptr && larger_->missing().size() > 0 && larger_->any_missing_) {
      const std::int64_t larger_across = larger_->tiles_across();
      const std::int64_t joined_x =
          std::max<std::int64_t>(1, std::llround(static_cast<double>(larger_across) / static_cast<double>(across)));
      const std::int64_t joined_y = std::max<std::int64_t>(
          1, std::llround(static_cast<double>(larger_->tiles_down()) / static_cast<double>(tiles_down())));
      for (std::size_t i = 0; i < larger_->missing_.size(); ++i) {
        if (!larger_->missing_[i]) continue;
        const std::int64_t column = static_cast<std::int64_t>(i) % larger_across / joined_x;
        const std::int64_t row = static_cast<std::int64_t>(i) / larger_across / joined_y;
        if (column < across && row < tiles_down()) missing_[static_cast<std::size_t>(row * across + column)] = true;
      }
    }
    any_missing_ = std::ranges::find(missing_, true) != missing_.end();
  });
  return missing_;
}

bool AperioGrid::is_missing(std::int64_t column, std::int64_t row) const {
  return missing()[static_cast<std::size_t>(row * tiles_across() + column)];
}

int AperioGrid::channels() const {
  if (larger_ == nullptr) return level_->channels();
  missing();
  return any_missing_ ? 4 : level_->channels();
}

AperioGrid::Area AperioGrid::area_in(const AperioGrid& source, std::int64_t column, std::int64_t row) const {
  const double scale_x = static_cast<double>(source.width_) / static_cast<double>(width_);
  const double scale_y = static_cast<double>(source.height_) / static_cast<double>(height_);
  const std::int64_t right = std::min(width_, (column + 1) * tile_width_);
  const std::int64_t bottom = std::min(height_, (row + 1) * tile_height_);
  return {static_cast<double>(column * tile_width_) * scale_x, static_cast<double>(row * tile_height_) * scale_y,
          static_cast<double>(right) * scale_x, static_cast<double>(bottom) * scale_y};
}

Rect AperioGrid::tiles_of(const Area& area) const {
  const auto column = static_cast<std::int64_t>(area.x0) / tile_width_;
  const auto row = static_cast<std::int64_t>(area.y0) / tile_height_;
  const auto last_column = std::min(tiles_across() - 1, static_cast<std::int64_t>(area.x1) / tile_width_);
  const auto last_row = std::min(tiles_down() - 1, static_cast<std::int64_t>(area.y1) / tile_height_);
  return {column, row, last_column - column + 1, last_row - row + 1};
}

bool AperioGrid::covers(const Area& area) const {
  const Rect tiles = tiles_of(area);
  for (std::int64_t row = tiles.y; row < tiles.y + tiles.height; ++row) {
    for (std::int64_t column = tiles.x; column < tiles.x + tiles.width; ++column) {
      if (is_missing(column, row)) return false;
    }
  }
  return true;
}

const AperioGrid* AperioGrid::source_for(std::int64_t column, std::int64_t row) const {
  for (const AperioGrid* source = larger_; source != nullptr; source = source->larger_) {
    const Area area = area_in(*source, column, row);
    if ((area.x1 - area.x0) * (area.y1 - area.y0) > kMaxSourcePixels) return nullptr;
    if (source->larger_ == nullptr || source->covers(area)) return source;
  }
  return nullptr;
}

bool AperioGrid::has_tile(std::int64_t column, std::int64_t row) const {
  return !is_missing(column, row) || source_for(column, row) != nullptr;
}

void AperioGrid::check_tile(std::int64_t column, std::int64_t row) const {
  if (!is_missing(column, row)) level_->check_tile(column, row);
}

void AperioGrid::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  if (!is_missing(column, row)) return level_->stored_ranges(column, row, out);
  const AperioGrid* source = source_for(column, row);
  if (source == nullptr) return;
  const Rect tiles = source->tiles_of(area_in(*source, column, row));
  for (std::int64_t y = tiles.y; y < tiles.y + tiles.height; ++y) {
    for (std::int64_t x = tiles.x; x < tiles.x + tiles.width; ++x) source->level_->stored_ranges(x, y, out);
  }
}

bool AperioGrid::decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                             std::int64_t stride) const {
  return channels() == 3 && !is_missing(column, row) && level_->decode_part(column, row, part, out, stride);
}

std::string AperioGrid::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                    bool tolerant) const {
  if (is_missing(column, row)) {
    render(*source_for(column, row), column, row, out, stride, tolerant);
    return {};
  }
  std::string warning = level_->decode_tile(column, row, out, stride, tolerant);
  if (channels() == 4 && level_->channels() == 3) {
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      // From the right, because the wider pixels grow over the narrow ones.
      std::uint8_t* line = out + y * stride;
      for (std::int64_t x = tile_width_ - 1; x >= 0; --x) {
        std::memmove(line + x * 4, line + x * 3, 3);
        line[x * 4 + 3] = 255;
      }
    }
  }
  return warning;
}

void AperioGrid::render(const AperioGrid& source, std::int64_t column, std::int64_t row, std::uint8_t* out,
                        std::int64_t stride, bool tolerant) const {
  const Area area = area_in(source, column, row);
  const double scale_x = static_cast<double>(source.width_) / static_cast<double>(width_);
  const double scale_y = static_cast<double>(source.height_) / static_cast<double>(height_);
  const std::int64_t columns = std::min(tile_width_, width_ - column * tile_width_);
  const std::int64_t rows = std::min(tile_height_, height_ - row * tile_height_);
  const auto band_rows =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(kBandPixels / ((area.x1 - area.x0) * scale_y)));
  for (std::int64_t y = 0; y < tile_height_; ++y)
    std::memset(out + y * stride, 0, static_cast<std::size_t>(tile_width_ * 4));
  for (std::int64_t top = 0; top < rows; top += band_rows) {
    const std::int64_t bottom = std::min(rows, top + band_rows);
    Window window{.x = static_cast<std::int64_t>(area.x0),
                  .y = static_cast<std::int64_t>(area.y0 + static_cast<double>(top) * scale_y),
                  .channels = 4};
    window.width = static_cast<std::int64_t>(std::ceil(area.x1)) - window.x;
    window.height = static_cast<std::int64_t>(std::ceil(area.y0 + static_cast<double>(bottom) * scale_y)) - window.y;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(window.width * window.height * 4));
    read_window(source, window, pixels.data(), {.tolerant = tolerant, .parallel = false}, {});
    const PlacedPixels placed{pixels.data(), window.x, window.y, window.width, window.height};
    for (std::int64_t y = top; y < bottom; ++y) {
      const double y0 = area.y0 + static_cast<double>(y) * scale_y;
      for (std::int64_t x = 0; x < columns; ++x) {
        const double x0 = area.x0 + static_cast<double>(x) * scale_x;
        box_mean(placed, x0, y0, x0 + scale_x, y0 + scale_y, out + y * stride + x * 4);
      }
    }
  }
}

}  // namespace histojet::slide
