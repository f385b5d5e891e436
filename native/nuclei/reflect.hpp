#pragma once

#include <cstdint>

namespace histojet::nuclei {

/// The pixel of [0, size) that stands in for `i` outside of it: mirrored without repeating the edge (OpenCV's
/// BORDER_REFLECT_101).
inline std::int64_t reflect101(std::int64_t i, std::int64_t size) {
  if (size == 1) return 0;
  while (i < 0 || i >= size) i = i < 0 ? -i : 2 * (size - 1) - i;
  return i;
}

}  // namespace histojet::nuclei
