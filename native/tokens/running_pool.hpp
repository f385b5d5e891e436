#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace histojet::tokens {

/// The mean of tokens, weighted with the softmax of their scores, for tokens that come one after the other and are not
/// kept. Sums in double precision in the order of the tokens.
class RunningPool {
 public:
  explicit RunningPool(std::int64_t dim) : sums_(static_cast<std::size_t>(dim)) {}

  void add(const float* token, float score) {
    if (score > largest_) {
      const double factor = std::exp(static_cast<double>(largest_) - score);
      for (double& sum : sums_) sum *= factor;
      weight_ *= factor;
      largest_ = score;
    }
    const double weight = std::exp(static_cast<double>(score) - largest_);
    for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c] += weight * token[c];
    weight_ += weight;
  }

  /// Zeros for no tokens.
  std::vector<float> mean() const {
    std::vector<float> mean(sums_.size());
    for (std::size_t c = 0; c < sums_.size() && weight_ != 0; ++c) mean[c] = static_cast<float>(sums_[c] / weight_);
    return mean;
  }
  /// How much a token of this score counts among all; their sum is 1.
  double share(float score) const { return std::exp(static_cast<double>(score) - largest_) / weight_; }

 private:
  std::vector<double> sums_;
  double weight_ = 0;
  float largest_ = -std::numeric_limits<float>::infinity();
};

}  // namespace histojet::tokens
