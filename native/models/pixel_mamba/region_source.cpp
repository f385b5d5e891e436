#include "models/pixel_mamba/region_source.hpp"

#include <algorithm>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr std::int64_t kMostRegions = std::int64_t{1} << 24;
constexpr std::int64_t kLargestSide_px = std::int64_t{1} << 32;

std::string sides(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

/// Fills one region of `side` pixels; `row(x, y, count, out)` writes pixels of the picture.
template <class Row>
void fill_region(tokens::GridCell cell, std::int64_t side, std::int64_t width, std::int64_t height,
                 const std::array<float, 3>& pad, float* out, const Row& row) {
  const std::int64_t x = cell.column * side, y = cell.row * side;
  const std::int64_t columns = std::clamp<std::int64_t>(width - x, 0, side);
  for (std::int64_t r = 0; r < side; ++r) {
    float* to = out + 3 * side * r;
    const std::int64_t inside = y + r < height ? columns : 0;
    if (inside > 0) row(x, y + r, inside, to);
    for (std::int64_t c = inside; c < side; ++c) std::copy_n(pad.begin(), 3, to + 3 * c);
  }
}

}  // namespace

bool RegionSource::has_tissue(std::int64_t, std::int64_t, std::int64_t) const {
  return true;
}

std::int64_t region_count(std::int64_t length_px, std::int64_t region_px) {
  return ceil_div(length_px, region_px);
}

std::vector<tokens::GridCell> all_regions(const PixelMambaConfig& config, std::int64_t width_px,
                                          std::int64_t height_px) {
  if (width_px < 1 || height_px < 1 || width_px > kLargestSide_px || height_px > kLargestSide_px) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a picture with sides of 1 to 2^32 px, got " + sides(width_px, height_px));
  }
  const std::int64_t columns = region_count(width_px, config.region_size_px);
  const std::int64_t rows = region_count(height_px, config.region_size_px);
  if (rows > kMostRegions / columns) {
    throw Error(ErrorCode::kInvalidArgument, "a picture of " + sides(width_px, height_px) +
                                                 " px has more than 2^24 regions of " +
                                                 std::to_string(config.region_size_px) + " px");
  }
  std::vector<tokens::GridCell> regions;
  regions.reserve(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    regions.push_back(tokens::region_cell(config.region_order, columns, i));
  }
  return regions;
}

PixelTable::PixelTable(const PixelMambaConfig& config) {
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t v = 0; v < 256; ++v) {
      table_[c][v] = (static_cast<float>(v) / 255.0F - config.mean[c]) / config.std[c];
    }
  }
}

void PixelTable::convert(const std::uint8_t* rgb, std::int64_t pixels, float* out) const {
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c)
      out[3 * i + static_cast<std::int64_t>(c)] = table_[c][rgb[3 * i + static_cast<std::int64_t>(c)]];
  }
}

PictureRegions::PictureRegions(const PixelMambaConfig& config, ImageView rgb)
    : rgb_(rgb), region_px_(config.region_size_px), pad_(config.pad_value), table_(config) {
  if (rgb.width < 1 || rgb.height < 1 || (rgb.channels != 3 && rgb.channels != 4)) {
    throw Error(ErrorCode::kInvalidArgument, "expected an RGB picture of at least 1 x 1 pixels, got " +
                                                 sides(rgb.width, rgb.height) + " with " +
                                                 std::to_string(rgb.channels) + " channels");
  }
  regions_ = all_regions(config, rgb.width, rgb.height);
}

void PictureRegions::read(std::int64_t index, float* out, const CancelToken& cancel) const {
  cancel.throw_if_cancelled();
  const tokens::GridCell cell = regions_.at(static_cast<std::size_t>(index));
  fill_region(cell, region_px_, rgb_.width, rgb_.height, pad_, out,
              [&](std::int64_t x, std::int64_t y, std::int64_t count, float* to) {
                const std::uint8_t* from = rgb_.row(y) + x * rgb_.channels;
                if (rgb_.channels == 3) return table_.convert(from, count, to);
                for (std::int64_t i = 0; i < count; ++i) table_.convert(from + 4 * i, 1, to + 3 * i);
              });
}

NormalizedRegions::NormalizedRegions(const PixelMambaConfig& config, std::span<const float> planes, std::int64_t height,
                                     std::int64_t width)
    : planes_(planes),
      height_(height),
      width_(width),
      region_px_(config.region_size_px),
      pad_(config.pad_value),
      regions_(all_regions(config, width, height)) {
  const auto expected = checked_mul(3 * static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width));
  if (expected && *expected == planes.size()) return;
  throw Error(ErrorCode::kShapeMismatch, "expected 3 x " + std::to_string(height) + " x " + std::to_string(width) +
                                             " values, got " + std::to_string(planes.size()));
}

void NormalizedRegions::read(std::int64_t index, float* out, const CancelToken& cancel) const {
  cancel.throw_if_cancelled();
  const tokens::GridCell cell = regions_.at(static_cast<std::size_t>(index));
  fill_region(cell, region_px_, width_, height_, pad_, out,
              [&](std::int64_t x, std::int64_t y, std::int64_t count, float* to) {
                for (std::int64_t c = 0; c < 3; ++c) {
                  const float* from = planes_.data() + (c * height_ + y) * width_ + x;
                  for (std::int64_t i = 0; i < count; ++i) to[3 * i + c] = from[i];
                }
              });
}

}  // namespace histojet::models
