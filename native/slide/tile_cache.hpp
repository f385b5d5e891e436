#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "slide/tile_reuse.hpp"

namespace histojet::slide {

/// Decoded tiles within a byte budget, least recently used first out. Split into shards so that threads rarely wait
/// for a lock; when several threads want one tile, one decodes and the others wait for it. Safe from any thread.
class TileCache {
 public:
  using Pixels = std::shared_ptr<const std::vector<std::uint8_t>>;

  /// A budget of 0 switches the cache off. `largest_tile_bytes`: with few tiles per budget there are fewer shards. The
  /// newest tile of a shard stays even when it alone exceeds the budget: reading one huge strip piece by piece would
  /// otherwise decode it for each piece.
  TileCache(std::int64_t budget_bytes, std::int64_t largest_tile_bytes);

  bool enabled() const { return budget_bytes_ > 0; }
  /// Notes that a part of a tile is wanted which is not there; true when it shall be made whole and kept.
  bool worth_keeping(std::uint64_t key) { return enabled() && reuse_.worth_keeping(key); }
  /// The tile if it is there and complete.
  Pixels find(std::uint64_t key);
  /// The tile, made by `decode` if it is not there. An exception of `decode` reaches all who wait for this tile, and
  /// nothing is kept then; but when its caller was cancelled, one of those who wait makes the tile instead. Waiting
  /// ends early when the thread's CancelScope is cancelled.
  Pixels get(std::uint64_t key, const std::function<std::vector<std::uint8_t>()>& decode);
  std::int64_t bytes() const;

 private:
  struct Entry {
    std::uint64_t key = 0;
    Pixels pixels;
  };
  /// A tile that some thread is decoding.
  struct Pending {
    bool done = false;
    bool cancelled = false;
    Pixels pixels;
    std::exception_ptr failure;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::condition_variable finished;
    std::list<Entry> recent;  ///< newest first
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator> entries;
    std::unordered_map<std::uint64_t, std::shared_ptr<Pending>> pending;
    std::int64_t bytes = 0;
  };

  Shard& shard(std::uint64_t key);
  Pixels find_locked(Shard& shard, std::uint64_t key);
  void insert_locked(Shard& shard, std::uint64_t key, Pixels pixels);

  std::int64_t budget_bytes_;
  TileReuse reuse_;
  std::size_t shard_count_;
  std::array<Shard, 8> shards_;
};

}  // namespace histojet::slide
