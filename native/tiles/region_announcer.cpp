#include "tiles/region_announcer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace histojet::tiles {
namespace {

// 24 MB of tiles without compression, 2 to 4 MB as JPEG. Sources keep 32 MiB, and fetch half of it ahead.
constexpr double kGroupPixels = 8 << 20;

/// Length of the stored tiles that [start, start + length) touches along one axis of a level.
double touched_length(double start, double length, std::int64_t level_length, std::int64_t tile_length) {
  const auto tile = static_cast<double>(std::max<std::int64_t>(1, tile_length));
  const double first = std::max(0.0, std::floor(start / tile) * tile);
  const double end = std::min(static_cast<double>(level_length), std::ceil((start + length) / tile) * tile);
  return std::max(0.0, end - first);
}

double touched_pixels(const slide::Slide& slide, const slide::RegionRequest& region) {
  const auto& levels = slide.levels();
  if (region.level < 0 || region.level >= static_cast<int>(levels.size())) return 0;
  const slide::Level& level = levels[static_cast<std::size_t>(region.level)];
  const double downsample = region.level_coordinates ? 1 : level.downsample;
  const auto along = [&](std::int64_t start, std::int64_t length, std::int64_t whole, std::int64_t tile) {
    return touched_length(static_cast<double>(start) / downsample, static_cast<double>(length), whole, tile);
  };
  return along(region.x, region.width, level.width, level.tile_width) *
         along(region.y, region.height, level.height, level.tile_height);
}

}  // namespace

RegionAnnouncer::RegionAnnouncer(const slide::Slide& slide, std::int64_t count, RegionOf region_of)
    : slide_(slide), count_(count), region_of_(std::move(region_of)) {}

void RegionAnnouncer::before(std::int64_t index, const CancelToken& cancel) {
  if (!slide_.remote()) return;
  std::lock_guard lock(mutex_);
  while (pending_ < count_ && index >= newest_) announce_group(cancel);
}

void RegionAnnouncer::announce_group(const CancelToken& cancel) {
  newest_ = pending_;
  try {
    std::vector<slide::RegionRequest> regions;
    for (double pixels = 0; pending_ < count_ && pixels < kGroupPixels;) {
      regions.push_back(region_of_(pending_++));
      pixels += touched_pixels(slide_, regions.back());
    }
    slide_.announce(regions, cancel);
  } catch (const Error&) {  // the read meets it again, and tells it for the right window
  }
}

}  // namespace histojet::tiles
