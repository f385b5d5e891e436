#include "tiles/deep_zoom.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/png.hpp"
#include "tiles/resample.hpp"

namespace histojet::tiles {

/// One direction of one tile.
struct DeepZoom::Axis {
  std::int64_t source = 0;       ///< where it begins, pixels of the slide's level
  std::int64_t source_size = 0;  ///< pixels of the slide's level
  std::int64_t size = 0;         ///< pixels of the tile
};

namespace {

void check(const DeepZoomOptions& o) {
  const bool fits = o.tile_size >= 1 && o.tile_size <= 8192 && o.overlap >= 0 && o.overlap <= 1024;
  if (fits && o.quality >= 1 && o.quality <= 100) return;
  throw Error(ErrorCode::kInvalidArgument,
              "Deep Zoom: expected a tile size of 1 to 8192, an overlap of 0 to 1024 and a quality of 1 to 100, got " +
                  std::to_string(o.tile_size) + ", " + std::to_string(o.overlap) + " and " + std::to_string(o.quality));
}

}  // namespace

DeepZoom::DeepZoom(std::shared_ptr<const slide::Slide> slide, const DeepZoomOptions& options)
    : slide_(std::move(slide)), options_(options) {
  check(options);
  area_ = options.limit_bounds ? slide_->bounds() : slide::Rect{0, 0, slide_->width(), slide_->height()};
  std::int64_t width = area_.width;
  std::int64_t height = area_.height;
  while (true) {
    levels_.push_back({width, height, ceil_div(width, options.tile_size), ceil_div(height, options.tile_size)});
    if (width <= 1 && height <= 1) break;
    width = std::max<std::int64_t>(1, ceil_div(width, 2));
    height = std::max<std::int64_t>(1, ceil_div(height, 2));
  }
  std::ranges::reverse(levels_);
}

/// `_get_tile_info` of openslide/deepzoom.py, with one difference: where the overlap of the tile before the last one
/// is larger than the last one, the tile ends with the level.
DeepZoom::Axis DeepZoom::along(int level, std::int64_t index, bool vertical) const {
  const auto length = [vertical](const auto& size) { return vertical ? size.height : size.width; };
  const double total = std::ldexp(1.0, static_cast<int>(levels_.size()) - 1 - level);
  const slide::Level& source = slide_->levels()[static_cast<std::size_t>(slide_->best_level_for_downsample(total))];
  const double ratio = total / source.downsample;  // pixels of the slide's level per pixel of the tile
  // The part of the slide's level that is shown, as long as it is rounded up.
  const double share = static_cast<double>(length(area_)) / static_cast<double>(length(slide_->levels().front()));
  const auto limit = static_cast<std::int64_t>(std::ceil(static_cast<double>(length(source)) * share));

  const std::int64_t zoom_length = length(levels_[static_cast<std::size_t>(level)]);
  const std::int64_t begin = std::max<std::int64_t>(0, options_.tile_size * index - options_.overlap);
  const std::int64_t end = std::min(zoom_length, options_.tile_size * (index + 1) + options_.overlap);
  const double at = ratio * static_cast<double>(begin);
  const auto wanted = static_cast<std::int64_t>(std::ceil(ratio * static_cast<double>(end - begin)));
  const auto rest = limit - static_cast<std::int64_t>(std::ceil(at));
  const std::int64_t size = std::max<std::int64_t>(1, std::min(wanted, rest));
  // OpenSlide interpolates between the pixels of the level; the nearest one is taken here.
  const auto level0 = static_cast<std::int64_t>(at * source.downsample + 1e-6) + (vertical ? area_.y : area_.x);
  const std::int64_t nearest = std::llround(static_cast<double>(level0) / source.downsample);
  return {std::min(nearest, std::max<std::int64_t>(0, length(source) - size)), size, end - begin};
}

Image DeepZoom::read_tile(int level, std::int64_t column, std::int64_t row, const CancelToken& cancel) const {
  const auto count = static_cast<int>(levels_.size());
  const bool known = level >= 0 && level < count;
  const DeepZoomLevel size = known ? levels_[static_cast<std::size_t>(level)] : DeepZoomLevel{};
  if (!known || column < 0 || row < 0 || column >= size.columns || row >= size.rows) {
    throw Error(ErrorCode::kInvalidArgument, "Deep Zoom: there is no tile " + std::to_string(column) + ", " +
                                                 std::to_string(row) + " on level " + std::to_string(level) +
                                                 (known ? ", which has " + std::to_string(size.columns) + " x " +
                                                              std::to_string(size.rows) + " tiles"
                                                        : "; the levels are 0 to " + std::to_string(count - 1)));
  }
  const Axis across = along(level, column, false);
  const Axis down = along(level, row, true);
  slide::RegionRequest request;
  request.x = across.source;
  request.y = down.source;
  request.level_coordinates = true;
  request.width = across.source_size;
  request.height = down.source_size;
  request.level = slide_->best_level_for_downsample(std::ldexp(1.0, count - 1 - level));
  Image pixels = slide_->read_region(request, cancel);
  if (pixels.width == across.size && pixels.height == down.size) return pixels;
  return resize(pixels, across.size, down.size);
}

std::vector<std::uint8_t> DeepZoom::encoded_tile(int level, std::int64_t column, std::int64_t row,
                                                 const slide::ColorTable* colours, const CancelToken& cancel) const {
  Image pixels = read_tile(level, column, row, cancel);
  if (colours != nullptr) colours->apply(pixels);
  if (options_.png) return codecs::encode_png(pixels);
  return codecs::encode_jpeg(pixels, {options_.quality, options_.quality < 90 ? 2 : 1, false});
}

}  // namespace histojet::tiles
