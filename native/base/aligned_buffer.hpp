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
/// From 2 MiB on it lies on huge pages where the system has them: rows of several buffers are in use at once, more than
/// the translation cache holds with small pages.
template <class T>
using AlignedBuffer = std::unique_ptr<T[], FreeDeleter>;

/// @throws std::bad_alloc
void* allocate_aligned(std::size_t bytes);

template <class T>
AlignedBuffer<T> make_aligned(std::size_t count) {
  return AlignedBuffer<T>(static_cast<T*>(allocate_aligned(count * sizeof(T))));
}

}  // namespace histojet
