#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/dispatch.hpp"
#include "kernels/storage.hpp"

namespace histojet::kernels {

/// Values of a bfloat16 or split row as floats: out[i] = in[i] (for split rows the exact sum of both planes), i below
/// `count`, a multiple of 16. `plane_bytes`: from the row to its low plane, split only.
struct WidenRowArgs {
  const std::byte* in;
  std::int64_t plane_bytes;
  float* out;
  std::int64_t count;
  Storage storage;
};

/// Floats rounded to a bfloat16 row, or split into its two planes (`split_float`).
struct NarrowRowArgs {
  const float* in;
  std::byte* out;
  std::int64_t plane_bytes;
  std::int64_t count;
  Storage storage;
};

/// Interleaved RGB bytes as bfloat16 pixels of four channels (R, G, B, 0): whole numbers, which bfloat16 holds exactly.
/// in: [width][3], out: [width][4].
struct ImageToBfloat16Args {
  const std::uint8_t* in;
  std::byte* out;
  std::int64_t width;
};

extern const KernelTable<WidenRowArgs> kWidenRow;
extern const KernelTable<NarrowRowArgs> kNarrowRow;
extern const KernelTable<ImageToBfloat16Args> kImageToBfloat16;

namespace scalar {
void widen_row(const WidenRowArgs& args);
void narrow_row(const NarrowRowArgs& args);
void image_to_bfloat16(const ImageToBfloat16Args& args);
}  // namespace scalar
namespace avx512bf16 {
void widen_row(const WidenRowArgs& args);
void narrow_row(const NarrowRowArgs& args);
void image_to_bfloat16(const ImageToBfloat16Args& args);
}  // namespace avx512bf16

}  // namespace histojet::kernels
