#pragma once

#include <bit>
#include <cstdint>

namespace histojet {

/// The upper half of a float: 8 bits of exponent, 8 of mantissa with the hidden one.
using Bfloat16 = std::uint16_t;

/// Rounded to nearest, ties to even; NaN stays NaN.
inline Bfloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<Bfloat16>(bits >> 16 | 0x40U);
  return static_cast<Bfloat16>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

inline float from_bfloat16(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// A float as the sum of two bfloat16, exact to 2^-17 of its size.
struct SplitFloat {
  Bfloat16 high;
  Bfloat16 low;
};

inline SplitFloat split_float(float value) {
  const Bfloat16 high = to_bfloat16(value);
  return {high, to_bfloat16(value - from_bfloat16(high))};
}

inline float joined(SplitFloat value) {
  return from_bfloat16(value.high) + from_bfloat16(value.low);
}

}  // namespace histojet
