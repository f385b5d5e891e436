#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Softmax probability of class 1 for one row of logits: 1 / (1 + exp(-d)), d = logit 1 minus the log-sum-exp of the
/// others. Rounding never moves a decision: the result is above 0.5 exactly where d > 0, for two classes exactly where
/// logit 1 > logit 0. logits: [width] pixels of `classes` (at least 2) values, `pixel_stride` floats apart; out:
/// [width].
struct ClassProbabilityArgs {
  const float* logits;
  float* out;
  std::int64_t width;
  std::int64_t classes;
  std::int64_t pixel_stride;
};

extern const KernelTable<ClassProbabilityArgs> kClassProbability;

/// The class with the largest value per pixel, the first of equals (numpy.argmax; a NaN counts as the largest, as
/// there), as a float. logits: as above, `classes` at least 1; out: [width].
struct ClassIndexArgs {
  const float* logits;
  float* out;
  std::int64_t width;
  std::int64_t classes;
  std::int64_t pixel_stride;
};

extern const KernelTable<ClassIndexArgs> kClassIndex;

/// Channels-last row to planes: plane c of the row goes to out + c * plane_stride.
struct PlanarRowArgs {
  const float* in;
  float* out;
  std::int64_t width;
  std::int64_t channels;
  std::int64_t pixel_stride;
  std::int64_t plane_stride;
};

extern const KernelTable<PlanarRowArgs> kPlanarRow;

namespace scalar {
void class_probability(const ClassProbabilityArgs& args);
void class_index(const ClassIndexArgs& args);
void planar_row(const PlanarRowArgs& args);
}  // namespace scalar
namespace avx2 {
void class_probability(const ClassProbabilityArgs& args);
void class_index(const ClassIndexArgs& args);
}  // namespace avx2

}  // namespace histojet::kernels
