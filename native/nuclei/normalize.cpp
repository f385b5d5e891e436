#include "nuclei/normalize.hpp"

#include <limits>

#include "kernels/fused_normalize/fused_normalize.hpp"
#include "kernels/fused_normalize/plane_range.hpp"

namespace histojet::nuclei {
namespace {

struct Survey {
  float low = 0;
  float high = 0;
  int finite = 1;
};

Survey survey(std::span<const float> values) {
  Survey found;
  if (values.empty()) return found;
  kernels::kPlaneRange.pick(active_isa())(
      {values.data(), static_cast<std::int64_t>(values.size()), &found.low, &found.high, &found.finite});
  return found;
}

}  // namespace

ValueRange value_range(std::span<const float> values) {
  const Survey found = survey(values);
  return {found.low, found.high};
}

bool all_finite(std::span<const float> values) {
  return survey(values).finite != 0;
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
