#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace histojet {

struct FreeDeleter {
  void operator()(void* pointer) const { std::free(pointer); }
};

/// Uninitialised memory on a 64-byte boundary (one cache line, one AVX-512 register); the size is rounded up to 64.
template <class T>
using AlignedBuffer = std::unique_ptr<T[], FreeDeleter>;

template <class T>
AlignedBuffer<T> make_aligned(std::size_t count) {
  const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
  void* pointer = std::aligned_alloc(64, bytes == 0 ? 64 : bytes);
  if (pointer == nullptr) throw std::bad_alloc();
  return AlignedBuffer<T>(static_cast<T*>(pointer));
}

}  // namespace histojet
