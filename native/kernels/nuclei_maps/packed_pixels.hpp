#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Keeps the values whose bits are set: bit i of mask[w] stands for in[64 w + i]; `words` words. The kept values go to
/// `out` one after the other; up to seven more doubles behind them may be overwritten with anything. Values without a
/// bit are not read.
struct PackPixelsArgs {
  const double* in;
  const std::uint64_t* mask;
  std::int64_t words;
  double* out;
};

/// The way back, for `count` columns of one word of the mask from column `first` on: out[i] is the packed value of
/// column first + i where its bit is set, `fill` elsewhere. `in`: the packed values of the word. No more is read than
/// those, no more written than `count` values.
struct UnpackPixelsArgs {
  const float* in;
  std::uint64_t mask;
  std::int64_t first;
  std::int64_t count;
  float fill;
  float* out;
};

/// Where the packed values of each word begin when those of the first begin at `start`: starts[w], w < words, and
/// starts[words] behind the last.
struct PackedStartsArgs {
  const std::uint64_t* mask;
  std::int64_t words;
  std::uint32_t start;
  std::uint32_t* starts;
};

extern const KernelTable<PackPixelsArgs> kPackPixels;
extern const KernelTable<UnpackPixelsArgs> kUnpackPixels;
extern const KernelTable<PackedStartsArgs> kPackedStarts;

namespace scalar {
void pack_pixels(const PackPixelsArgs& args);
void unpack_pixels(const UnpackPixelsArgs& args);
void packed_starts(const PackedStartsArgs& args);
}  // namespace scalar
namespace avx512 {
void pack_pixels(const PackPixelsArgs& args);
void unpack_pixels(const UnpackPixelsArgs& args);
void packed_starts(const PackedStartsArgs& args);
}  // namespace avx512

}  // namespace histojet::kernels
