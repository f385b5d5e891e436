#pragma once

// Where the inputs of a block of pixels lie; for variant files only, in an unnamed namespace like all that such files
// define.
#include <cstdint>

namespace histojet::kernels {
namespace {

/// Where the values of P pixels lie, S bytes apart, or any number of bytes (S = 0). Seven pixels share a base pointer:
/// with a few multiples of the stride in registers each of them is one addressing mode (base + register, or + 4 *
/// register).
template <int P, int S>
class Addresses {
 public:
  Addresses(const void* first, std::int64_t stride) : one_(S == 0 ? stride : S) {
    base_[0] = static_cast<const char*>(first);
#pragma GCC unroll 4
    for (int b = 1; b < kBases; ++b) base_[b] = base_[b - 1] + kPixelsPerBase * one_;
    two_ = 2 * one_;
    three_ = 3 * one_;
    five_ = 5 * one_;
    six_ = 6 * one_;
  }
  const char* first() const {
    return base_[0];
  }
  const char* pixel(int p) const {
    const std::int64_t in_registers[] = {0, one_, two_, three_, 4 * one_, five_, six_};
    return base_[p / kPixelsPerBase] + (S == 0 ? in_registers[p % kPixelsPerBase] : S * p);
  }
  /// To the next value, or pair of values, of all pixels.
  void next() {
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) base_[b] += 4;
  }
  /// Hides how the values are related. The compiler would keep each pixel's address in a register, or with small
  /// constant strides carry values from one turn to the next, and spill.
  void hide() {
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) asm("" : "+r"(base_[b]));
    if constexpr (S == 0) asm("" : "+r"(one_), "+r"(two_), "+r"(three_), "+r"(five_), "+r"(six_));
  }

 private:
  static constexpr int kPixelsPerBase = S == 0 ? 7 : P;
  static constexpr int kBases = (P + kPixelsPerBase - 1) / kPixelsPerBase;

  const char* base_[kBases];
  std::int64_t one_, two_, three_, five_, six_;  ///< strides in bytes
};

}  // namespace
}  // namespace histojet::kernels
