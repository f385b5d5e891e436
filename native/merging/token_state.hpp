#pragma once

#include <cstdint>
#include <vector>

#include "merging/merge_map.hpp"

namespace histojet::merging {

/// What is known of the tokens after some steps of merging: how much each weighs, and where the original ones are.
struct TokenState {
  std::int64_t batch = 0;
  std::int64_t tokens = 0;
  std::int64_t original_tokens = 0;
  std::vector<float> sizes;         ///< [batch][tokens]: original tokens in each, unless the first sizes were others
  std::vector<std::int32_t> owner;  ///< [batch][original_tokens]: the token that holds it now, -1: dropped

  /// Before any step: sizes 1, each token holds itself.
  static TokenState initial(std::int64_t batch, std::int64_t tokens);
  /// The same with other sizes. @throws Error kShapeMismatch for another number of them.
  static TokenState initial(std::int64_t batch, std::int64_t tokens, std::vector<float> sizes);
  /// After one more step. @throws Error kShapeMismatch when it is a step of other tokens.
  TokenState after(const MergeMap& map) const;

  /// [batch][tokens][original_tokens]: 1 where the token holds the original one.
  void write_dense_source(float* out) const;
  /// log(size): what proportional attention adds to the logits of each key.
  std::vector<float> attention_bias() const;
};

}  // namespace histojet::merging
