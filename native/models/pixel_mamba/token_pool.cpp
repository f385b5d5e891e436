#include "models/pixel_mamba/token_pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace histojet::models {
namespace {

constexpr float kNormEpsilon = 1e-5F;
constexpr float kNoScore = -std::numeric_limits<float>::infinity();
constexpr std::int64_t kTileRows = 256;

}  // namespace

PoolLayer::PoolLayer(const weights::WeightScope& root, PoolKind kind, std::int64_t dim,
                     const tokens::LayerOptions& options)
    : kind_(kind), dim_(dim), isa_(options.isa) {
  norm_ = tokens::Norm::load(root.scope("norm_f"), dim, tokens::NormKind::kRms, options, kNormEpsilon);
  if (kind != PoolKind::kAttention) return;
  const weights::WeightScope scope = root.scope("pool.attn");
  const Shape& shape = scope.dict().entry(scope.full_name("0.weight")).shape;
  hidden_ = shape.size() == 2 ? shape[0] : 0;
  if (hidden_ < 1) {
    throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensor '" + scope.full_name("0.weight") +
                                               "' has shape " + shape_text(shape) + ", the model expects [hidden, " +
                                               std::to_string(dim) + "]");
  }
  hidden_layer_ = tokens::Linear::load(scope.scope("0"), dim, hidden_, tokens::Bias::kRequired, options);
  const Tensor weight = scope.f32("2.weight", {1, hidden_}), bias = scope.f32("2.bias", {1});
  score_weight_.assign(weight.values<float>().begin(), weight.values<float>().end());
  score_bias_ = bias.values<float>()[0];
}

void PoolLayer::normalize(float* tokens, std::int64_t count) const {
  norm_.run_floats(tokens, token_step(dim_), tokens, token_step(dim_), count);
}

void PoolLayer::scores(const float* tokens, std::int64_t count, std::vector<float>& out, PixelScratch& scratch) const {
  out.resize(static_cast<std::size_t>(count));
  const std::int64_t step = token_step(hidden_);
  std::vector<float> hidden(static_cast<std::size_t>(std::min(count, kTileRows) * step));
  for (std::int64_t first = 0; first < count; first += kTileRows) {
    const std::int64_t rows = std::min(kTileRows, count - first);
    scratch.rows.reshape(kTileRows, dim_, hidden_layer_.storage());
    tokens::store_rows({.data = tokens, .step = token_step(dim_)}, first, dim_, isa_, scratch.rows, 0, rows);
    hidden_layer_.run(scratch.rows, 0, rows, hidden.data(), step, scratch.linear);
    for (std::int64_t i = 0; i < rows; ++i) {
      double score = score_bias_;
      for (std::int64_t k = 0; k < hidden_; ++k) {
        score += static_cast<double>(score_weight_[static_cast<std::size_t>(k)]) *
                 std::tanh(static_cast<double>(hidden[static_cast<std::size_t>(i * step + k)]));
      }
      out[static_cast<std::size_t>(first + i)] = static_cast<float>(score);
    }
  }
}

TokenPool::TokenPool(const PoolLayer& layer, std::int64_t middle)
    : layer_(layer), middle_(middle), sum_(static_cast<std::size_t>(layer.dim())) {}

void TokenPool::add(float* tokens, std::int64_t count, std::span<const std::uint8_t> counts,
                    std::span<const float> weights, PixelScratch& scratch) {
  const bool attention = layer_.kind() == PoolKind::kAttention;
  layer_.normalize(tokens, count);
  if (attention) layer_.scores(tokens, count, fresh_, scratch);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool chosen = counts.empty() || counts[static_cast<std::size_t>(i)] != 0;
    const float weight = weights.empty() ? 1.0F : weights[static_cast<std::size_t>(i)];
    float score = attention ? fresh_[static_cast<std::size_t>(i)] : 0.0F;
    // A token's share grows with what it stands for, as in proportional attention.
    if (attention && !weights.empty()) score += std::log(weight);
    if (chosen) add_token(tokens + i * token_step(layer_.dim()), score, weight);
    if (keeps_scores_ && attention) scores_.push_back(chosen ? score : kNoScore);
  }
}

void TokenPool::add_token(const float* token, float score, float weight) {
  const std::int64_t number = counted_++;
  double share = 1;
  switch (layer_.kind()) {
    case PoolKind::kMean:
      share = static_cast<double>(weight);
      break;
    case PoolKind::kMiddle:
      if (number != middle_) return;
      break;
    case PoolKind::kLast:
      std::ranges::fill(sum_, 0.0);
      weight_ = 0;
      break;
    case PoolKind::kAttention:
      if (number == 0 || score > largest_) {
        const double shrink = number == 0 ? 0 : std::exp(largest_ - score);
        for (double& value : sum_) value *= shrink;
        weight_ *= shrink;
        largest_ = score;
      }
      share = std::exp(score - largest_);
      break;
  }
  weight_ += share;
  for (std::size_t c = 0; c < sum_.size(); ++c) sum_[c] += share * static_cast<double>(token[c]);
}

std::vector<float> TokenPool::features() const {
  if (counted_ == 0) {
    throw Error(ErrorCode::kInvalidArgument, "no part of the picture is looked at: there is no tissue in it");
  }
  std::vector<float> features;
  for (const double value : sum_) features.push_back(static_cast<float>(value / weight_));
  return features;
}

std::vector<float> TokenPool::attention() const {
  std::vector<float> shares;
  shares.reserve(scores_.size());
  for (const float score : scores_) {
    shares.push_back(score == kNoScore ? 0.0F : static_cast<float>(std::exp(score - largest_) / weight_));
  }
  return shares;
}

}  // namespace histojet::models
