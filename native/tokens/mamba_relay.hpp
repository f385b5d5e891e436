#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace histojet::tokens {

/// How threads take turns over the tiles of one run. Each takes whole tiles, so that a tile's values stay in its core's
/// cache; only what the recurrence hands on goes from core to core, and waits for the tile before: first the
/// convolution's tail, later the scan's state. Tiles are claimed in order, and whoever waits, waits for a tile that a
/// running thread has claimed, so that it never waits for a thread that has not started.
class MambaRelay {
 public:
  /// What is handed on from tile to tile.
  enum class Baton { kTail, kState };

  /// The next tile that nobody has claimed, from 0 on.
  std::int64_t claim() { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// Blocks until the tile before has handed on. @returns false when a thread failed and the run is given up.
  bool await(Baton baton, std::int64_t tile);
  void pass(Baton baton, std::int64_t tile);
  /// Gives the run up: this thread is leaving with an exception.
  void fail();

 private:
  std::atomic<std::int64_t>& passed(Baton baton) { return baton == Baton::kTail ? tails_ : states_; }

  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> tails_{0};
  std::atomic<std::int64_t> states_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace histojet::tokens
