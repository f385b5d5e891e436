#pragma once

#include <cstdint>
#include <vector>

namespace histojet::engine {

/// A buffer that must exist during the steps [first, last].
struct Lifetime {
  std::int64_t size = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::int64_t offset = 0;  ///< set by `pack_arena`
};

/// Gives every buffer an offset such that buffers alive at the same time never overlap; returns the arena's size.
/// Large buffers first, each at the lowest offset that is free during its life.
std::int64_t pack_arena(std::vector<Lifetime>& buffers);

}  // namespace histojet::engine
