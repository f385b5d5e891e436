#pragma once

#include <cstdint>
#include <vector>

#include "tokens/linear.hpp"
#include "tokens/token_products.hpp"

namespace histojet::tokens {

/// Attention over tokens as multiple-instance heads use it: weight_t = softmax over t of w2 tanh(W1 x_t), pooled =
/// sum of weight_t x_t. Immutable, shared by threads.
class AttentionPool {
 public:
  /// Keys `0.{weight [h, dim], bias}`, `2.{weight [1, h], bias}`; the hidden size is the checkpoint's.
  /// @throws Error kMissingWeight, kShapeMismatch.
  static AttentionPool load(const weights::WeightScope& scope, std::int64_t dim, const LayerOptions& options);

  std::int64_t parameters() const { return first_.parameters() + second_.parameters(); }
  std::int64_t byte_size() const { return first_.byte_size() + second_.byte_size(); }

  struct Result {
    std::vector<float> pooled;   ///< [dim]; zeros for no tokens
    std::vector<float> weights;  ///< one per token, their sum is 1
  };
  /// Before the softmax, one per token into `scores`.
  void score(const TokensIn& tokens, std::int64_t count, float* scores, ProductScratch& scratch, int threads) const;
  /// Sums in double precision in the order of the tokens: bit-identical for any number of threads.
  Result run(const TokensIn& tokens, std::int64_t count, ProductScratch& scratch, int threads) const;

 private:
  Linear first_;
  Linear second_;
};

}  // namespace histojet::tokens
