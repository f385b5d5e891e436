#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/dispatch.hpp"
#include "kernels/storage.hpp"

namespace histojet::kernels {

/// A row in memory: pixel 0, and where its low plane begins (Storage::kSplit only; bytes from pixel 0).
struct RowIn {
  const std::byte* pixels = nullptr;
  std::int64_t plane_bytes = 0;
};
struct RowOut {
  std::byte* pixels = nullptr;
  std::int64_t plane_bytes = 0;
};

/// Element by element over one row: out[x][c] = relu(scale[c] * (a[x][c] + b[x][c]) + shift[c]) in float32, rounded to
/// the storage at the end. Parts that are null are left out (`scale` and `shift` come together). With `enlarge` a has
/// half as many pixels and a[x / 2] is taken (nearest-neighbour enlargement by two). All rows have one storage and
/// `channels` values per pixel, a multiple of 16, pixels side by side; scale and shift: [channels], 64-byte aligned.
/// Rows start on 32-byte boundaries at least. NaN passes through, also through the ReLU. Variants agree bit for bit
/// (scale and shift are a fused multiply-add in all of them).
struct PointwiseArgs {
  RowIn a;
  RowIn b;  ///< `pixels` may be null
  RowOut out;
  const float* scale;
  const float* shift;
  std::int64_t width;  ///< output pixels
  std::int64_t channels;
  bool enlarge;
  bool relu;
  Storage storage;
  bool stream;  ///< stores past the cache: the output is larger than it and not read soon
};

/// Variants: scalar and avx2 take any storage, avx512bf16 too.
extern const KernelTable<PointwiseArgs> kPointwise;

namespace scalar {
void pointwise(const PointwiseArgs& args);
}
namespace avx2 {
void pointwise(const PointwiseArgs& args);
}
namespace avx512bf16 {
void pointwise(const PointwiseArgs& args);
}

}  // namespace histojet::kernels
