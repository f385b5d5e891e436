#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Values from one row to the next in the strips that the column pass reads and writes. A constant, so that all rows
/// of a filter are reached from one address.
inline constexpr std::int64_t kSobelStride = 128;
/// Values on either side of a row that may be read.
inline constexpr std::int64_t kSobelLead = 16;

/// The row pass of a filter of `2 radius + 1` taps, `radius` 2 or 10:
/// out[x] = sum over k from -radius to radius, in this order, of in[x + k] * tap(k) for x < width, where
/// tap(k) = taps[|k|], negated on the left unless `symmetric`; taps[0] counts only if `symmetric`.
/// `in` holds `kSobelLead` values on either side of the row; those beyond `radius` do not matter. For floats and whole
/// taps below 2^29 all variants give the same bits: the products are exact.
struct SobelRowArgs {
  const double* in;
  const double* taps;
  int radius;
  bool symmetric;
  std::int64_t width;
  double* out;
};

extern const KernelTable<SobelRowArgs> kSobelRow;

/// The column pass over `rows` rows of `width` <= kSobelStride values:
/// out[y][x] = in[y][x] * taps[0] (only if `symmetric`) + sum over k = 1..radius, in this order, of
/// (in[y + k][x] + in[y - k][x]) * taps[k], the second one subtracted unless `symmetric`. `in` and `out` point to row
/// 0; `in` has `radius` more rows on either side. `range` (smallest, largest value) is widened by all that is written.
/// The variants differ in the last bit, where a fused multiply-add rounds once.
struct SobelColumnArgs {
  const double* in;
  const double* taps;
  int radius;
  bool symmetric;
  std::int64_t width;
  std::int64_t rows;
  double* out;
  double* range;
};

extern const KernelTable<SobelColumnArgs> kSobelColumn;

namespace scalar {
void sobel_row(const SobelRowArgs& args);
void sobel_column(const SobelColumnArgs& args);
}  // namespace scalar
namespace avx2 {
void sobel_row(const SobelRowArgs& args);
void sobel_column(const SobelColumnArgs& args);
}  // namespace avx2
namespace avx512 {
void sobel_row(const SobelRowArgs& args);
void sobel_column(const SobelColumnArgs& args);
}  // namespace avx512
namespace avx512bf16 {
void sobel_row(const SobelRowArgs& args);
}

}  // namespace histojet::kernels
