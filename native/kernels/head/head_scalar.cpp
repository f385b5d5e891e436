#include <cmath>

#include "kernels/head/head.hpp"

namespace histojet::kernels::scalar {
namespace {

constexpr float kAboveHalf = 0.50000006f;  // the float after 0.5

/// log(sum of exp) of all classes but 1.
float log_sum_of_others(const float* logits, std::int64_t classes) {
  if (classes == 2) return logits[0];
  float largest = logits[0];
  for (std::int64_t c = 2; c < classes; ++c) largest = logits[c] > largest ? logits[c] : largest;
  float sum = 0.0f;
  for (std::int64_t c = 0; c < classes; ++c) sum += c == 1 ? 0.0f : std::exp(logits[c] - largest);
  return largest + std::log(sum);
}

}  // namespace

void class_probability(const ClassProbabilityArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    const float* logits = args.logits + x * args.pixel_stride;
    const float difference = logits[1] - log_sum_of_others(logits, args.classes);
    const float probability = 1.0f / (1.0f + std::exp(-difference));
    if (difference > 0.0f) {
      args.out[x] = probability > kAboveHalf ? probability : kAboveHalf;
    } else {
      args.out[x] = probability > 0.5f ? 0.5f : probability;
    }
  }
}

void class_index(const ClassIndexArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    const float* logits = args.logits + x * args.pixel_stride;
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < args.classes && !std::isnan(logits[best]); ++c) {
      if (logits[c] > logits[best] || std::isnan(logits[c])) best = c;
    }
    args.out[x] = static_cast<float>(best);
  }
}

void planar_row(const PlanarRowArgs& args) {
  for (std::int64_t x = 0; x < args.width; ++x) {
    for (std::int64_t c = 0; c < args.channels; ++c) {
      args.out[c * args.plane_stride + x] = args.in[x * args.pixel_stride + c];
    }
  }
}

}  // namespace histojet::kernels::scalar
