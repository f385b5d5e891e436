#pragma once

#include <span>
#include <vector>

#include "models/pixel_mamba/config.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// What the logits of a head mean; which fields are filled follows from its kind.
struct HeadResult {
  /// kClassification: of each class (softmax). kOrdinal: of each of the outputs + 1 classes; where a threshold is less
  /// probable than the one above it, the class between them has 0, not less.
  std::vector<double> probabilities;
  std::vector<double> above;     ///< kOrdinal: P(class > k)
  std::vector<double> hazards;   ///< kSurvivalDiscrete: of each interval
  std::vector<double> survival;  ///< kSurvivalDiscrete: probability of outliving each interval
  /// kSurvivalDiscrete: minus the sum of `survival`; kCox: the logarithm of the risk.
  double risk = 0;
  std::vector<double> values;  ///< kRegression
};

HeadResult interpret_logits(HeadKind head, std::span<const float> logits);

/// Keys `head.weight` [outputs, dim] and `head.bias` [outputs].
class PixelHead {
 public:
  PixelHead() = default;
  PixelHead(const weights::WeightScope& root, std::int64_t dim, std::int64_t outputs);
  /// Sums in double precision.
  std::vector<float> logits(std::span<const float> features) const;
  /// What each feature adds to an output: its row of the weight.
  std::span<const float> row(std::int64_t output) const;

 private:
  std::int64_t dim_ = 0;
  std::vector<float> weight_;
  std::vector<float> bias_;
};

}  // namespace histojet::models
