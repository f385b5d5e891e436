#pragma once

#include <cstdint>
#include <span>

namespace histojet::nuclei {

/// Smallest and largest value of a plane.
struct ValueRange {
  double low;
  double high;
};

/// What one pass over a plane finds out.
struct PlaneSurvey {
  ValueRange range;  ///< means nothing unless `finite`; {0, 0} for an empty span
  bool finite;       ///< no value is infinite or NaN
};
PlaneSurvey survey(std::span<const float> values);

/// Ranges of the two gradient maps of a tile.
struct GradientRanges {
  ValueRange horizontal;
  ValueRange vertical;
};

/// The linear map of cv2.normalize(NORM_MINMAX, 0, 1) with float32 results (spec section 5.0, N): constants are
/// computed in double and rounded to float. A plane without contrast becomes 0.
struct Normalization {
  float scale = 0;
  float shift = 0;

  explicit Normalization(ValueRange range);

  /// float32 input: scale * value + shift rounded once to float, as fused multiply-add gives it; stored as double.
  void apply(std::span<const float> values, double* out) const;
  /// float64 input: computed in double, then rounded.
  float operator()(double value) const { return static_cast<float>(value * scale + shift); }
};

}  // namespace histojet::nuclei
