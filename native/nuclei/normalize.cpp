#include "nuclei/normalize.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace histojet::nuclei {
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

constexpr std::size_t kBlock = 64;

}  // namespace

ValueRange value_range(std::span<const float> values) {
  if (values.empty()) return {0, 0};
  // Several independent minima, so that no chain of comparisons limits the speed.
  constexpr std::size_t kLanes = 16;
  float low[kLanes], high[kLanes];
  std::fill(low, low + kLanes, values[0]);
  std::fill(high, high + kLanes, values[0]);
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      const float value = values[i + k];
      low[k] = value < low[k] ? value : low[k];
      high[k] = value > high[k] ? value : high[k];
    }
  }
  for (; i < values.size(); ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  return {*std::min_element(low, low + kLanes), *std::max_element(high, high + kLanes)};
}

Normalization::Normalization(ValueRange range) {
  const double contrast = range.high - range.low;
  scale = contrast > std::numeric_limits<double>::epsilon() ? static_cast<float>(1.0 / contrast) : 0.0f;
  shift = 0.0f - static_cast<float>(range.low * scale);
}

void Normalization::apply(std::span<const float> values, float* out) const {
  std::size_t i = 0;
  for (; i + kBlock <= values.size(); i += kBlock) {
    bool careful = false;
    for (std::size_t k = 0; k < kBlock; ++k) {
      const double sum = static_cast<double>(values[i + k]) * scale + shift;
      careful |= may_round_twice(sum);
      out[i + k] = static_cast<float>(sum);
    }
    if (!careful) continue;
    for (std::size_t k = 0; k < kBlock; ++k) out[i + k] = fused_multiply_add(values[i + k], scale, shift);
  }
  for (; i < values.size(); ++i) out[i] = fused_multiply_add(values[i], scale, shift);
}

}  // namespace histojet::nuclei
