#include "nuclei/normalize.hpp"

#include <limits>

#include "kernels/fused_normalize/fused_normalize.hpp"
#include "kernels/fused_normalize/plane_range.hpp"

namespace histojet::nuclei {

PlaneSurvey survey(std::span<const float> values) {
  if (values.empty()) return {{0, 0}, true};
  float low = 0, high = 0;
  int finite = 1;
  kernels::kPlaneRange.pick(active_isa())(
      {values.data(), static_cast<std::int64_t>(values.size()), &low, &high, &finite});
  return {{low, high}, finite != 0};
}

Normalization::Normalization(ValueRange range) {
  const double contrast = range.high - range.low;
  scale = contrast > std::numeric_limits<double>::epsilon() ? static_cast<float>(1.0 / contrast) : 0.0f;
  shift = 0.0f - static_cast<float>(range.low * scale);
}

void Normalization::apply(std::span<const float> values, double* out) const {
  kernels::kFusedNormalize.pick(active_isa())(
      {values.data(), out, static_cast<std::int64_t>(values.size()), scale, shift});
}

}  // namespace histojet::nuclei
