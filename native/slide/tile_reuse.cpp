#include "slide/tile_reuse.hpp"

#include <algorithm>

namespace histojet::slide {
namespace {

constexpr std::int64_t kLeastSlots = 64;
constexpr std::int64_t kMostSlots = 8192;
/// The last 30 or so notes decide.
constexpr float kWeight = 1.0F / 32;
/// A whole tile costs up to twice the part, and saves all of the next one.
constexpr float kEnough = 0.35F;

}  // namespace

TileReuse::TileReuse(std::int64_t tiles)
    : slots_(static_cast<std::size_t>(std::clamp(tiles, kLeastSlots, kMostSlots))),
      seen_(std::make_unique<std::atomic<std::uint64_t>[]>(slots_)) {}

bool TileReuse::worth_keeping(std::uint64_t key) {
  std::atomic<std::uint64_t>& slot = seen_[(key * 0x9E3779B97F4A7C15ULL >> 24) % slots_];
  const bool again = slot.exchange(key + 1, std::memory_order_relaxed) == key + 1;
  const float share = share_.load(std::memory_order_relaxed);
  share_.store(share + kWeight * ((again ? 1.0F : 0.0F) - share), std::memory_order_relaxed);
  return again || share > kEnough;
}

}  // namespace histojet::slide
