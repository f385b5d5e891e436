#include "slide/aperio_grid.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace histojet::slide {
namespace {

// A tile of a tiny level may stand for gigapixels of level 0; drawing it then costs more than it tells.
constexpr std::int64_t kMaxSourceTiles = 4096;

std::uint8_t scaled_by(int value, int numerator, int denominator) {
  return static_cast<std::uint8_t>(std::min(255, (value * numerator + denominator / 2) / denominator));
}

}  // namespace

AperioGrid::AperioGrid(std::unique_ptr<const TiffLevel> level, const AperioGrid* larger)
    : level_(std::move(level)), larger_(larger) {
  width_ = level_->width();
  height_ = level_->height();
  tile_width_ = level_->tile_width();
  tile_height_ = level_->tile_height();
  if (larger_ == nullptr) return;
  const AperioGrid* first = larger_;
  while (first->larger_ != nullptr) first = first->larger_;
  downsample_ = (static_cast<double>(first->width_) / static_cast<double>(width_) +
                 static_cast<double>(first->height_) / static_cast<double>(height_)) /
                2;
  shrink_ = downsample_ / larger_->downsample_;
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

AperioGrid::Sources AperioGrid::sources_of(std::int64_t column, std::int64_t row) const {
  // One pixel more on each side, as OpenSlide takes, so that the filter has what it needs.
  const double left = static_cast<double>(column * tile_width_ - 1) * shrink_;
  const double top = static_cast<double>(row * tile_height_ - 1) * shrink_;
  const double right = left + std::ceil(static_cast<double>(tile_width_ + 2) * shrink_);
  const double bottom = top + std::ceil(static_cast<double>(tile_height_ + 2) * shrink_);
  const auto tile_width = static_cast<double>(larger_->tile_width_);
  const auto tile_height = static_cast<double>(larger_->tile_height_);
  Rect tiles{.x = static_cast<std::int64_t>(left / tile_width), .y = static_cast<std::int64_t>(top / tile_height)};
  tiles.width = std::min(larger_->tiles_across(), static_cast<std::int64_t>(std::ceil(right / tile_width))) - tiles.x;
  tiles.height = std::min(larger_->tiles_down(), static_cast<std::int64_t>(std::ceil(bottom / tile_height))) - tiles.y;
  return {tiles, -(left - static_cast<double>(tiles.x) * tile_width) / shrink_ - 1,
          -(top - static_cast<double>(tiles.y) * tile_height) / shrink_ - 1};
}

template <class Visit>
void AperioGrid::each_source(std::int64_t column, std::int64_t row, Visit visit) const {
  if (larger_ == nullptr) return;
  const Rect tiles = sources_of(column, row).tiles;
  for (std::int64_t y = tiles.y + tiles.height - 1; y >= tiles.y; --y) {
    for (std::int64_t x = tiles.x + tiles.width - 1; x >= tiles.x; --x) visit(x, y);
  }
}

bool AperioGrid::can_draw(std::int64_t column, std::int64_t row, std::int64_t& budget) const {
  if (--budget < 0) return false;
  if (larger_ == nullptr || !is_missing(column, row)) return true;
  const Rect tiles = sources_of(column, row).tiles;
  if (tiles.width > budget || tiles.height > budget) return false;
  bool all = true;
  each_source(column, row, [&](std::int64_t x, std::int64_t y) { all = all && larger_->can_draw(x, y, budget); });
  return all;
}

bool AperioGrid::has_tile(std::int64_t column, std::int64_t row) const {
  if (!is_missing(column, row)) return true;
  std::int64_t budget = kMaxSourceTiles;
  return larger_ != nullptr && can_draw(column, row, budget);
}

void AperioGrid::check_tile(std::int64_t column, std::int64_t row) const {
  if (!is_missing(column, row)) level_->check_tile(column, row);
}

void AperioGrid::stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const {
  if (!is_missing(column, row)) return level_->stored_ranges(column, row, out);
  each_source(column, row, [&](std::int64_t x, std::int64_t y) { larger_->stored_ranges(x, y, out); });
}

bool AperioGrid::decode_part(std::int64_t column, std::int64_t row, const Rect& part, std::uint8_t* out,
                             std::int64_t stride) const {
  return channels() == 3 && !is_missing(column, row) && level_->decode_part(column, row, part, out, stride);
}

std::string AperioGrid::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                    bool tolerant) const {
  if (is_missing(column, row)) {
    const Painting painting = painting_of(column, row, tolerant);
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      const std::uint8_t* from = &painting.rgba[static_cast<std::size_t>(y * tile_width_ * 4)];
      std::uint8_t* to = out + y * stride;
      for (std::int64_t x = 0; x < tile_width_; ++x, from += 4, to += 4) {
        const int alpha = from[3];
        for (int c = 0; c < 3; ++c) to[c] = alpha == 0 ? std::uint8_t{0} : scaled_by(from[c], 255, alpha);
        to[3] = from[3];
      }
    }
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

Painting AperioGrid::painting_of(std::int64_t column, std::int64_t row, bool tolerant) const {
  Painting painting(tile_width_, tile_height_);
  if (is_missing(column, row)) {
    if (larger_ == nullptr) return painting;
    const Sources sources = sources_of(column, row);
    each_source(column, row, [&](std::int64_t x, std::int64_t y) {
      const auto right = static_cast<double>((x - sources.tiles.x) * larger_->tile_width_);
      const auto down = static_cast<double>((y - sources.tiles.y) * larger_->tile_height_);
      paint_shrunk(larger_->painting_of(x, y, tolerant), shrink_, sources.x + right / shrink_,
                   sources.y + down / shrink_, painting);
    });
    return painting;
  }
  const int channels = level_->channels();
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(tile_width_ * tile_height_ * channels));
  level_->decode_tile(column, row, pixels.data(), tile_width_ * channels, tolerant);
  // Beyond the level's border stays transparent.
  const std::int64_t columns = std::min(tile_width_, width_ - column * tile_width_);
  const std::int64_t rows = std::min(tile_height_, height_ - row * tile_height_);
  for (std::int64_t y = 0; y < rows; ++y) {
    const std::uint8_t* from = &pixels[static_cast<std::size_t>(y * tile_width_ * channels)];
    std::uint8_t* to = &painting.rgba[static_cast<std::size_t>(y * tile_width_ * 4)];
    for (std::int64_t x = 0; x < columns; ++x, from += channels, to += 4) {
      to[3] = channels == 4 ? from[3] : std::uint8_t{255};
      for (int c = 0; c < 3; ++c) to[c] = scaled_by(from[c], to[3], 255);
    }
  }
  return painting;
}

}  // namespace histojet::slide
