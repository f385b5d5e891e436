#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/pixel_mamba/layers.hpp"

namespace histojet::models {

/// The weights of the last step before the head. Keys `norm_f.weight` [dim] and, for kAttention, `pool.attn.0.{weight
/// [hidden, dim], bias}` and `pool.attn.2.{weight [1, hidden], bias [1]}`.
class PoolLayer {
 public:
  PoolLayer() = default;
  PoolLayer(const weights::WeightScope& root, PoolKind kind, std::int64_t dim, const tokens::LayerOptions& options);

  PoolKind kind() const { return kind_; }
  std::int64_t dim() const { return dim_; }
  /// norm_f of tokens that lie token_step(dim) apart, in place.
  void normalize(float* tokens, std::int64_t count) const;
  /// kAttention: the logarithm of each normalised token's share, up to a constant.
  void scores(const float* tokens, std::int64_t count, std::vector<float>& out, PixelScratch& scratch) const;

 private:
  PoolKind kind_ = PoolKind::kMean;
  std::int64_t dim_ = 0;
  std::int64_t hidden_ = 0;
  Isa isa_ = Isa::kScalar;
  tokens::Norm norm_;
  tokens::Linear hidden_layer_;
  std::vector<float> score_weight_;
  float score_bias_ = 0;
};

/// Tokens to one vector, taken one run after the other; double precision, token by token, so that the result does not
/// depend on how the runs are cut.
class TokenPool {
 public:
  /// `middle`: which of the tokens that count is the one for kMiddle.
  TokenPool(const PoolLayer& layer, std::int64_t middle);

  /// `counts`: which of the tokens are looked at; empty: all. `weights`: how much each counts in kMean and kAttention;
  /// empty: 1. `tokens` are normalised in place.
  void add(float* tokens, std::int64_t count, std::span<const std::uint8_t> counts, std::span<const float> weights,
           PixelScratch& scratch);
  /// Keeps the scores of kAttention for attention().
  void keep_scores() { keeps_scores_ = true; }

  std::int64_t tokens() const { return counted_; }
  /// @throws Error kInvalidArgument when no token counts.
  std::vector<float> features() const;
  /// kAttention with keep_scores(): the share of every token, 0 for those that do not count.
  std::vector<float> attention() const;

 private:
  void add_token(const float* token, float score, float weight);

  const PoolLayer& layer_;
  std::int64_t middle_;
  std::int64_t counted_ = 0;
  std::vector<double> sum_;
  double weight_ = 0;
  double largest_ = 0;  ///< score so far
  bool keeps_scores_ = false;
  std::vector<float> scores_;
  std::vector<float> fresh_;
};

}  // namespace histojet::models
