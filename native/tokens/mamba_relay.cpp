#include "tokens/mamba_relay.hpp"

namespace histojet::tokens {
namespace {

/// Looks before sleeping: the other thread is usually done within microseconds.
constexpr int kLooks = 2000;

}  // namespace

bool MambaRelay::await(Baton baton, std::int64_t tile) {
  const std::atomic<std::int64_t>& counter = passed(baton);
  const auto ready = [&] { return counter.load(std::memory_order_acquire) >= tile || failed_.load(); };
  for (int look = 0; look < kLooks && !ready(); ++look) __builtin_ia32_pause();
  if (!ready()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, ready);
  }
  return !failed_.load();
}

void MambaRelay::pass(Baton baton, std::int64_t tile) {
  {
    const std::lock_guard lock(mutex_);
    passed(baton).store(tile + 1, std::memory_order_release);
  }
  changed_.notify_all();
}

void MambaRelay::fail() {
  {
    const std::lock_guard lock(mutex_);
    failed_.store(true);
  }
  changed_.notify_all();
}

}  // namespace histojet::tokens
