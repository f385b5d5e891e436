#include "slide/tiled_slide.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "slide/bilinear.hpp"
#include "slide/fingerprint.hpp"
#include "slide/region_size.hpp"
#include "slide/text.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxWarnings = 100;
constexpr std::size_t kMaxDamaged = 10000;
constexpr std::int64_t kMaxCoordinate = std::int64_t{1} << 48;
constexpr std::uint64_t kMaxAssociatedPixels = 1 << 28;
// Only whole positions in level pixels count as whole; rounding of the division must not shift them.
constexpr double kSnap = 1e-6;

std::int64_t largest_tile_bytes(const SlideParts& parts) {
  std::int64_t largest = 1;
  for (const auto& grid : parts.grids) {
    largest = std::max(largest, grid->tile_width() * grid->tile_height() * 4);
  }
  return largest;
}

}  // namespace

double level_downsample(const TileGrid& level0, const TileGrid& level) {
  return (static_cast<double>(level0.width()) / static_cast<double>(level.width()) +
          static_cast<double>(level0.height()) / static_cast<double>(level.height())) /
         2;
}

TiledSlide::TiledSlide(std::shared_ptr<const ByteSource> source, const OpenOptions& options, SlideParts parts)
    : source_(std::move(source)),
      options_(options),
      parts_(std::move(parts)),
      max_cache_bytes_(options.max_cache_bytes),
      cache_(options.max_cache_bytes, largest_tile_bytes(parts_)),
      warnings_(std::move(parts_.warnings)) {
  if (parts_.grids.empty()) throw Error(ErrorCode::kCorruptFile, path() + ": no readable level");
  for (const auto& grid : parts_.grids) {
    levels_.push_back({grid->width(), grid->height(), level_downsample(*parts_.grids.front(), *grid),
                       grid->tile_width(), grid->tile_height()});
  }
  for (std::size_t i = 0; i < std::min(levels_.size(), parts_.traits.size()); ++i) {
    levels_[i].downsample = parts_.traits[i].downsample.value_or(levels_[i].downsample);
  }
  add_properties();
}

void TiledSlide::add_properties() {
  auto& properties = parts_.properties;
  properties["openslide.level-count"] = std::to_string(levels_.size());
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const std::string prefix = "openslide.level[" + std::to_string(i) + "].";
    properties[prefix + "width"] = std::to_string(levels_[i].width);
    properties[prefix + "height"] = std::to_string(levels_[i].height);
    properties[prefix + "downsample"] = format_number(levels_[i].downsample);
    std::pair tile(levels_[i].tile_width, levels_[i].tile_height);
    if (i < parts_.traits.size()) tile = parts_.traits[i].stored_tile.value_or(tile);
    if (tile.first == 0) continue;
    properties[prefix + "tile-width"] = std::to_string(tile.first);
    properties[prefix + "tile-height"] = std::to_string(tile.second);
  }
  for (const auto& [name, grid] : parts_.associated) {
    properties["openslide.associated." + name + ".width"] = std::to_string(grid->width());
    properties["openslide.associated." + name + ".height"] = std::to_string(grid->height());
  }
}

Rect TiledSlide::bounds() const {
  const Rect whole{0, 0, levels_.front().width, levels_.front().height};
  Rect found;
  const auto read = [&](const char* key, std::int64_t& value) {
    const auto entry = parts_.properties.find(std::string("openslide.bounds-") + key);
    if (entry == parts_.properties.end()) return false;
    const auto number = parse_number(entry->second);
    if (!number || *number < 0 || *number > static_cast<double>(kMaxCoordinate)) return false;
    value = static_cast<std::int64_t>(*number);
    return true;
  };
  const bool complete =
      read("x", found.x) && read("y", found.y) && read("width", found.width) && read("height", found.height);
  const bool inside = complete && found.width > 0 && found.height > 0 && found.x + found.width <= whole.width &&
                      found.y + found.height <= whole.height;
  return inside ? found : whole;
}

std::vector<std::string> TiledSlide::associated_images() const {
  std::vector<std::string> names;
  for (const auto& [name, grid] : parts_.associated) names.push_back(name);
  return names;
}

std::vector<std::string> TiledSlide::warnings() const {
  std::lock_guard lock(warnings_mutex_);
  return warnings_;
}

std::vector<DamagedTile> TiledSlide::damaged_tiles() const {
  std::lock_guard lock(warnings_mutex_);
  std::vector<DamagedTile> tiles;
  for (const auto& [place, tile] : damaged_) tiles.push_back(tile);
  return tiles;
}

void TiledSlide::mark(const DamagedTile& tile) const {
  std::lock_guard lock(warnings_mutex_);
  if (damaged_.size() < kMaxDamaged) damaged_.try_emplace({tile.level, tile.row, tile.column}, tile);
}

void TiledSlide::warn(const std::string& message) const {
  std::lock_guard lock(warnings_mutex_);
  if (warnings_.size() > kMaxWarnings || std::ranges::find(warnings_, message) != warnings_.end()) return;
  warnings_.push_back(warnings_.size() < kMaxWarnings ? message : "more damage was met, which is not listed");
}

RegionContext TiledSlide::context(int level) const {
  return {.cache = &cache_,
          .source = source_.get(),
          .level = level,
          .tolerant = options_.tolerant,
          .name = &path(),
          .warn = [this](const std::string& message) { warn(message); },
          .damaged = [this](const DamagedTile& tile) { mark(tile); }};
}

void TiledSlide::read_region(const RegionRequest& request, std::span<std::uint8_t> out,
                             const CancelToken& cancel) const {
  if (request.level < 0 || request.level >= static_cast<int>(levels_.size())) {
    throw Error(ErrorCode::kInvalidArgument, path() + ": expected a level 0.." + std::to_string(levels_.size() - 1) +
                                                 ", got " + std::to_string(request.level));
  }
  if (std::min(request.x, request.y) < -kMaxCoordinate || std::max(request.x, request.y) > kMaxCoordinate) {
    throw Error(ErrorCode::kInvalidArgument, path() + ": the corner of the region is out of range");
  }
  if (out.size() != region_bytes(request)) {
    throw Error(ErrorCode::kInvalidArgument, path() + ": expected an output of " +
                                                 std::to_string(region_bytes(request)) + " bytes, got " +
                                                 std::to_string(out.size()));
  }
  const double downsample = request.level_coordinates ? 1 : levels_[static_cast<std::size_t>(request.level)].downsample;
  const double x = static_cast<double>(request.x) / downsample;
  const double y = static_cast<double>(request.y) / downsample;
  const Window window{.x = static_cast<std::int64_t>(std::floor(x + kSnap)),
                      .y = static_cast<std::int64_t>(std::floor(y + kSnap)),
                      .width = request.width,
                      .height = request.height,
                      .channels = request.channels,
                      .background = request.background.value_or(parts_.background)};
  const double fraction_x = std::max(0.0, x - static_cast<double>(window.x));
  const double fraction_y = std::max(0.0, y - static_cast<double>(window.y));
  if (request.resample == Resample::kBilinear && !parts_.whole_positions &&
      (fraction_x > kSnap || fraction_y > kSnap)) {
    read_interpolated(window, fraction_x, fraction_y, out, request.level, cancel);
  } else {
    read_window(*parts_.grids[static_cast<std::size_t>(request.level)], window, out.data(), context(request.level),
                cancel);
  }
}

void TiledSlide::announce(std::span<const RegionRequest> requests, const CancelToken& cancel) const {
  if (!source_->remote()) return;
  const CancelScope scope(cancel);
  std::vector<ByteRange> ranges;
  for (const RegionRequest& request : requests) {
    const bool known = request.level >= 0 && request.level < static_cast<int>(levels_.size());
    const auto [low, high] = std::minmax(request.x, request.y);
    if (!known || low < -kMaxCoordinate || high > kMaxCoordinate) continue;
    const auto level = static_cast<std::size_t>(request.level);
    const double downsample = request.level_coordinates ? 1 : levels_[level].downsample;
    // One pixel more than the region: a bilinear read looks at it.
    const Window window{.x = static_cast<std::int64_t>(std::floor(static_cast<double>(request.x) / downsample + kSnap)),
                        .y = static_cast<std::int64_t>(std::floor(static_cast<double>(request.y) / downsample + kSnap)),
                        .width = request.width + (request.resample == Resample::kBilinear ? 1 : 0),
                        .height = request.height + (request.resample == Resample::kBilinear ? 1 : 0)};
    append_ranges(*parts_.grids[level], window, context(request.level), ranges);
    cancel.throw_if_cancelled();
  }
  source_->prefetch(ranges);
}

void TiledSlide::read_interpolated(const Window& window, double fraction_x, double fraction_y,
                                   std::span<std::uint8_t> out, int level, const CancelToken& cancel) const {
  // Bands keep the extra memory small and let a cancellation through.
  constexpr std::int64_t kBandRows = 512;
  for (std::int64_t top = 0; top < window.height; top += kBandRows) {
    Window band = window;
    band.y += top;
    band.height = std::min(kBandRows, window.height - top);
    Window source = band;
    ++source.width;
    ++source.height;
    source.channels = 4;
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(source.width * source.height * 4));
    read_window(*parts_.grids[static_cast<std::size_t>(level)], source, pixels.data(), context(level), cancel);
    const auto stride = static_cast<std::size_t>(window.width * window.channels);
    shift_bilinear(pixels, fraction_x, fraction_y, band,
                   out.subspan(static_cast<std::size_t>(top) * stride, static_cast<std::size_t>(band.height) * stride));
  }
}

Image TiledSlide::read_associated_image(const std::string& name, const CancelToken& cancel) const {
  const auto found = parts_.associated.find(name);
  if (found == parts_.associated.end()) {
    throw Error(ErrorCode::kInvalidArgument, path() + ": no associated image '" + name + "'");
  }
  const TileGrid& grid = *found->second;
  const auto pixels = checked_mul(static_cast<std::uint64_t>(grid.width()), static_cast<std::uint64_t>(grid.height()));
  if (!pixels || *pixels > kMaxAssociatedPixels) {
    throw Error(ErrorCode::kUnsupportedFormat, path() + ": the associated image '" + name + "' claims " +
                                                   std::to_string(grid.width()) + " x " +
                                                   std::to_string(grid.height()) + " pixels, more than 2^28");
  }
  for (std::int64_t i = 0; i < grid.tiles_across() * grid.tiles_down(); ++i) {
    const std::int64_t column = i % grid.tiles_across();
    const std::int64_t row = i / grid.tiles_across();
    if (grid.has_tile(column, row)) grid.check_tile(column, row);
  }
  Image image(grid.width(), grid.height(), grid.channels());
  RegionContext own = context(0);
  own.cache = nullptr;
  own.damaged = nullptr;
  const std::string label = path() + ": associated image '" + name + "'";
  own.name = &label;
  read_window(grid, {.width = grid.width(), .height = grid.height(), .channels = grid.channels()}, image.data.data(),
              own, cancel);
  return image;
}

std::optional<std::vector<std::uint8_t>> TiledSlide::icc_profile() const {
  if (!parts_.icc_profile) return std::nullopt;
  return parts_.icc_profile();
}

std::string TiledSlide::fingerprint() const {
  std::call_once(fingerprint_once_, [this] {
    fingerprint_ = parts_.files.empty() ? fingerprint_of({source_}) : fingerprint_of(parts_.files);
  });
  return fingerprint_;
}

}  // namespace histojet::slide
