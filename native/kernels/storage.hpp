#pragma once

#include <cstdint>

namespace histojet::kernels {

/// How the values of a channels-last row lie in memory.
enum class Storage {
  kFloat32,
  kBfloat16,
  kSplit,  ///< two rows of bfloat16, one behind the other, whose sum is the value (precision `high`)
};

constexpr std::int64_t element_bytes(Storage storage) {
  return storage == Storage::kFloat32 ? 4 : 2;
}

constexpr std::int64_t plane_count(Storage storage) {
  return storage == Storage::kSplit ? 2 : 1;
}

}  // namespace histojet::kernels
