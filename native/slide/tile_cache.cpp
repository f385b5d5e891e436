#include "slide/tile_cache.hpp"

#include <algorithm>
#include <chrono>

#include "base/cancel.hpp"

namespace histojet::slide {
namespace {

// How late a thread that waits for another one's tile may notice that it is cancelled.
constexpr auto kPatience = std::chrono::milliseconds(20);

}  // namespace

TileCache::TileCache(std::int64_t budget_bytes, std::int64_t largest_tile_bytes)
    : budget_bytes_(std::max<std::int64_t>(budget_bytes, 0)),
      reuse_(budget_bytes_ / std::max<std::int64_t>(largest_tile_bytes, 1)) {
  constexpr std::int64_t kTilesPerShard = 8;
  const std::int64_t shard_bytes = kTilesPerShard * std::max<std::int64_t>(largest_tile_bytes, 1);
  shard_count_ = static_cast<std::size_t>(
      std::clamp<std::int64_t>(budget_bytes_ / shard_bytes, 1, static_cast<std::int64_t>(shards_.size())));
}

TileCache::Shard& TileCache::shard(std::uint64_t key) {
  return shards_[(key * 0x9E3779B97F4A7C15ULL >> 32) % shard_count_];
}

TileCache::Pixels TileCache::find_locked(Shard& shard, std::uint64_t key) {
  const auto found = shard.entries.find(key);
  if (found == shard.entries.end()) return nullptr;
  shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
  return found->second->pixels;
}

TileCache::Pixels TileCache::find(std::uint64_t key) {
  if (!enabled()) return nullptr;
  Shard& home = shard(key);
  std::lock_guard lock(home.mutex);
  return find_locked(home, key);
}

void TileCache::insert_locked(Shard& shard, std::uint64_t key, Pixels pixels) {
  shard.bytes += static_cast<std::int64_t>(pixels->size());
  shard.recent.push_front({key, std::move(pixels)});
  shard.entries[key] = shard.recent.begin();
  const std::int64_t budget = budget_bytes_ / static_cast<std::int64_t>(shard_count_);
  while (shard.bytes > budget && shard.recent.size() > 1) {
    const Entry& oldest = shard.recent.back();
    shard.bytes -= static_cast<std::int64_t>(oldest.pixels->size());
    shard.entries.erase(oldest.key);
    shard.recent.pop_back();
  }
}

TileCache::Pixels TileCache::get(std::uint64_t key, const std::function<std::vector<std::uint8_t>()>& decode) {
  if (!enabled()) return std::make_shared<const std::vector<std::uint8_t>>(decode());
  Shard& home = shard(key);
  std::shared_ptr<Pending> mine;
  {
    std::unique_lock lock(home.mutex);
    for (;;) {
      if (Pixels pixels = find_locked(home, key)) return pixels;
      const auto found = home.pending.find(key);
      if (found == home.pending.end()) break;
      const std::shared_ptr<Pending> theirs = found->second;
      while (!home.finished.wait_for(lock, kPatience, [&] { return theirs->done; })) {
        CancelScope::current().throw_if_cancelled();
      }
      if (theirs->cancelled) continue;
      if (theirs->failure) std::rethrow_exception(theirs->failure);
      return theirs->pixels;
    }
    mine = std::make_shared<Pending>();
    home.pending.emplace(key, mine);
  }
  try {
    mine->pixels = std::make_shared<const std::vector<std::uint8_t>>(decode());
  } catch (const Cancelled&) {
    mine->cancelled = true;
    mine->failure = std::current_exception();
  } catch (...) {
    mine->failure = std::current_exception();
  }
  {
    std::lock_guard lock(home.mutex);
    home.pending.erase(key);
    mine->done = true;
    home.finished.notify_all();  // before the insertion, which may run out of memory
    if (!mine->failure) insert_locked(home, key, mine->pixels);
  }
  if (mine->failure) std::rethrow_exception(mine->failure);
  return mine->pixels;
}

std::int64_t TileCache::bytes() const {
  std::int64_t total = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    total += shard.bytes;
  }
  return total;
}

}  // namespace histojet::slide
