#include "base/aligned_buffer.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace histojet {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  const std::size_t rounded = std::max(kLine, (bytes + kLine - 1) / kLine * kLine);
  const bool large = rounded >= kHugePage;
  void* pointer = nullptr;
  if (posix_memalign(&pointer, large ? kHugePage : kLine, rounded) != 0) throw std::bad_alloc();
  if (large) madvise(pointer, rounded, MADV_HUGEPAGE);
  return pointer;
}

}  // namespace histojet
