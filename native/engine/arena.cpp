#include "engine/arena.hpp"

#include <algorithm>
#include <numeric>

namespace histojet::engine {

std::int64_t pack_arena(std::vector<Lifetime>& buffers) {
  std::vector<std::size_t> by_size(buffers.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].size > buffers[b].size; });
  std::vector<std::size_t> placed;  // in order of offsets
  std::int64_t total = 0;
  for (const std::size_t index : by_size) {
    Lifetime& buffer = buffers[index];
    buffer.offset = 0;
    for (const std::size_t other_index : placed) {
      const Lifetime& other = buffers[other_index];
      if (other.last < buffer.first || buffer.last < other.first) continue;
      if (buffer.offset + buffer.size <= other.offset) break;
      buffer.offset = std::max(buffer.offset, other.offset + other.size);
    }
    const auto before = [&](std::size_t a, std::size_t b) { return buffers[a].offset < buffers[b].offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index, before), index);
    total = std::max(total, buffer.offset + buffer.size);
  }
  return total;
}

}  // namespace histojet::engine
