#include "base/byte_pool.hpp"

#include <algorithm>
#include <mutex>

namespace histojet {
namespace {

constexpr std::size_t kMostBuffers = 8;
constexpr std::size_t kMostBytes = 32 << 20;
// Smaller ones come from the heap without a page fault.
constexpr std::size_t kLeastBytes = 128 << 10;

struct Pool {
  std::mutex mutex;
  std::vector<std::vector<std::uint8_t>> buffers;
  std::size_t bytes = 0;
};

/// Never destroyed: the garbage collector may give buffers back while the process ends.
Pool& pool() {
  static Pool& kept = *[] {
    auto* fresh = new Pool;
    fresh->buffers.reserve(kMostBuffers);  // so that giving back never throws
    return fresh;
  }();
  return kept;
}

}  // namespace

std::vector<std::uint8_t> take_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes;
  if (size >= kLeastBytes) {
    Pool& kept = pool();
    const std::lock_guard lock(kept.mutex);
    // A buffer of twice the size would waste memory for as long as the result lives.
    const auto fits = [&](const auto& buffer) { return buffer.size() >= size && buffer.capacity() <= 2 * size; };
    const auto found = std::ranges::find_if(kept.buffers, fits);
    if (found != kept.buffers.end()) {
      kept.bytes -= found->capacity();
      bytes = std::move(*found);
      kept.buffers.erase(found);
    }
  }
  bytes.resize(size);
  return bytes;
}

void give_bytes(std::vector<std::uint8_t>&& bytes) noexcept {
  const std::vector<std::uint8_t> mine = [&] {
    std::vector<std::uint8_t> taken = std::move(bytes);
    if (taken.size() < kLeastBytes || taken.capacity() > kMostBytes) return taken;
    Pool& kept = pool();
    const std::lock_guard lock(kept.mutex);
    if (kept.buffers.size() == kMostBuffers || kept.bytes + taken.capacity() > kMostBytes) return taken;
    kept.bytes += taken.capacity();
    kept.buffers.push_back(std::move(taken));
    return std::vector<std::uint8_t>();
  }();
}

}  // namespace histojet
