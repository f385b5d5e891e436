#include "nuclei/normalize.hpp"

#include <algorithm>
#include <limits>

#include "kernels/fused_normalize/fused_normalize.hpp"

namespace histojet::nuclei {
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
  kernels::kFusedNormalize.pick(active_isa())(
      {values.data(), out, static_cast<std::int64_t>(values.size()), scale, shift});
}

}  // namespace histojet::nuclei
