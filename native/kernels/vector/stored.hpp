#pragma once

#include <cstring>

#include "base/bfloat16.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels::scalar {

/// Element `index` of a row of any storage; for scalar variants.
inline float load(const RowIn& row, Storage storage, std::int64_t index) {
  const std::byte* from = row.pixels + index * element_bytes(storage);
  if (storage == Storage::kFloat32) {
    float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  SplitFloat value{0, 0};
  std::memcpy(&value.high, from, sizeof value.high);
  if (storage == Storage::kBfloat16) return from_bfloat16(value.high);
  std::memcpy(&value.low, from + row.plane_bytes, sizeof value.low);
  return joined(value);
}

inline void store(const RowOut& row, Storage storage, std::int64_t index, float value) {
  std::byte* to = row.pixels + index * element_bytes(storage);
  if (storage == Storage::kFloat32) {
    std::memcpy(to, &value, sizeof value);
    return;
  }
  const SplitFloat split = split_float(value);
  std::memcpy(to, &split.high, sizeof split.high);
  if (storage == Storage::kSplit) std::memcpy(to + row.plane_bytes, &split.low, sizeof split.low);
}

}  // namespace histojet::kernels::scalar
