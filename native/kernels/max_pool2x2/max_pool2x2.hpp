#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/dispatch.hpp"
#include "kernels/storage.hpp"

namespace histojet::kernels {

/// Maximum over 2 x 2 pixels with stride 2, one output row: out[x][c] = max of in{0,1}[2x, 2x + 1][c]. A NaN among the
/// four wins, as in torch. Channels last, `channels` a multiple of 16, pixels side by side; `width` output pixels.
struct MaxPool2x2Args {
  const float* row0;
  const float* row1;
  float* out;
  std::int64_t width;
  std::int64_t channels;
};

extern const KernelTable<MaxPool2x2Args> kMaxPool2x2;

/// The same over bfloat16 or split rows. The larger value is stored as it was; split ones compare by their high halves
/// and, when those are equal, by their low ones, which is the order of what `split_float` was given. +0 is larger than
/// -0, and variants agree bit for bit, also on NaN. Rows start on 32-byte boundaries.
struct MaxPool2x2Bf16Args {
  const std::byte* row0;
  const std::byte* row1;
  std::byte* out;
  std::int64_t in_plane_bytes;  ///< from a row to its low plane, split only
  std::int64_t out_plane_bytes;
  std::int64_t width;
  std::int64_t channels;
  Storage storage;
};

extern const KernelTable<MaxPool2x2Bf16Args> kMaxPool2x2Bf16;

namespace scalar {
void max_pool2x2(const MaxPool2x2Args& args);
void max_pool2x2_bf16(const MaxPool2x2Bf16Args& args);
}  // namespace scalar
namespace avx2 {
void max_pool2x2(const MaxPool2x2Args& args);
}
namespace avx512bf16 {
void max_pool2x2_bf16(const MaxPool2x2Bf16Args& args);
}

}  // namespace histojet::kernels
