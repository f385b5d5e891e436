#include <bit>

#include "kernels/fused_normalize/fused_normalize.hpp"

namespace histojet::kernels::scalar {
namespace {

/// Correctly rounded a * b + c without a fused instruction, which baseline x86-64 lacks. The product of two floats is
/// exact in double; the sum is rounded to odd (a lost rest shows in the last bit), so that the second rounding to float
/// cannot meet a false tie.
float fused_multiply_add(float a, float b, float c) {
  const double product = static_cast<double>(a) * b, addend = c;
  double sum = product + addend;
  const double virtual_addend = sum - product;
  const double rest = (product - (sum - virtual_addend)) + (addend - virtual_addend);
  std::int64_t bits = std::bit_cast<std::int64_t>(sum);
  if (rest != 0 && (bits & 1) == 0) {
    bits += (rest > 0) == (sum > 0) ? 1 : -1;
    sum = std::bit_cast<double>(bits);
  }
  return static_cast<float>(sum);
}

/// Rounding a double to float is safe unless the double lies halfway between two floats (its low 29 bits are
/// 1 0…0) or the float is subnormal.
bool may_round_twice(double sum) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(sum);
  return (bits & 0x1fffffff) == 0x10000000 || (bits << 1 >> 53) < 1023 - 126;
}

constexpr std::int64_t kBlock = 64;

}  // namespace

void fused_normalize(const FusedNormalizeArgs& args) {
  std::int64_t i = 0;
  for (; i + kBlock <= args.count; i += kBlock) {
    bool careful = false;
    for (std::int64_t k = i; k < i + kBlock; ++k) {
      const double sum = static_cast<double>(args.in[k]) * args.scale + args.shift;
      careful |= may_round_twice(sum);
    }
    for (std::int64_t k = i; k < i + kBlock; ++k) {
      args.out[k] = careful ? fused_multiply_add(args.in[k], args.scale, args.shift)
                            : static_cast<float>(static_cast<double>(args.in[k]) * args.scale + args.shift);
    }
  }
  for (; i < args.count; ++i) args.out[i] = fused_multiply_add(args.in[i], args.scale, args.shift);
}

}  // namespace histojet::kernels::scalar
