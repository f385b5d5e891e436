#include "models/pixel_mamba/head.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::models {
namespace {

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

std::vector<double> softmax(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> shares;
  double sum = 0;
  for (const float logit : logits) {
    shares.push_back(std::exp(logit - largest));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<double> class_shares(const std::vector<double>& above) {
  std::vector<double> shares;
  double before = 1, sum = 0;
  for (std::size_t k = 0; k <= above.size(); ++k) {
    const double after = k < above.size() ? above[k] : 0;
    shares.push_back(std::max(0.0, before - after));
    sum += shares.back();
    before = after;
  }
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace

HeadResult interpret_logits(HeadKind head, std::span<const float> logits) {
  HeadResult result;
  switch (head) {
    case HeadKind::kClassification:
      result.probabilities = softmax(logits);
      break;
    case HeadKind::kOrdinal:
      for (const float logit : logits) result.above.push_back(sigmoid(logit));
      result.probabilities = class_shares(result.above);
      break;
    case HeadKind::kSurvivalDiscrete: {
      double alive = 1;
      for (const float logit : logits) {
        result.hazards.push_back(sigmoid(logit));
        alive *= 1 - result.hazards.back();
        result.survival.push_back(alive);
        result.risk -= alive;
      }
      break;
    }
    case HeadKind::kCox:
      result.risk = logits[0];
      break;
    case HeadKind::kRegression:
      result.values.assign(logits.begin(), logits.end());
      break;
  }
  return result;
}

PixelHead::PixelHead(const weights::WeightScope& root, std::int64_t dim, std::int64_t outputs) : dim_(dim) {
  const Tensor weight = root.f32("head.weight", {outputs, dim}), bias = root.f32("head.bias", {outputs});
  weight_.assign(weight.values<float>().begin(), weight.values<float>().end());
  bias_.assign(bias.values<float>().begin(), bias.values<float>().end());
}

std::vector<float> PixelHead::logits(std::span<const float> features) const {
  std::vector<float> logits;
  for (std::size_t o = 0; o < bias_.size(); ++o) {
    const std::span<const float> weights = row(static_cast<std::int64_t>(o));
    double sum = bias_[o];
    for (std::size_t i = 0; i < weights.size(); ++i) sum += static_cast<double>(weights[i]) * features[i];
    logits.push_back(static_cast<float>(sum));
  }
  return logits;
}

std::span<const float> PixelHead::row(std::int64_t output) const {
  return std::span(weight_).subspan(static_cast<std::size_t>(output * dim_), static_cast<std::size_t>(dim_));
}

}  // namespace histojet::models
