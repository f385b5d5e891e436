#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace histojet::slide {

/// Learns whether tiles of which only a part was wanted are wanted again soon. Neighbouring regions share tiles, so
/// that decoding them whole and keeping them pays; regions here and there do not, and then decoding the part alone is
/// cheaper. Safe from any thread; only the speed of reading depends on it.
class TileReuse {
 public:
  /// `tiles`: how many tiles the cache can keep; older ones would be gone anyway.
  explicit TileReuse(std::int64_t tiles);

  /// Notes that a part of the tile is wanted. True when the whole tile is worth decoding and keeping.
  bool worth_keeping(std::uint64_t key);

 private:
  std::size_t slots_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> seen_;  ///< keys + 1 by hash; later ones push earlier ones out
  std::atomic<float> share_{1};                         ///< of late notes, those whose tile had been noted before
};

}  // namespace histojet::slide
