#pragma once

#include <memory>

#include "merging/matching.hpp"
#include "merging/token_state.hpp"
#include "tensor/tensor.hpp"

namespace histojet::merging {

/// A step of merging together with what it knows of the tokens before and after it. Immutable; copies share.
class TokenMerging {
 public:
  /// `before`: the tokens that the step merges. @throws Error kShapeMismatch when they are others.
  TokenMerging(MergeMap map, const TokenState& before);

  const MergeMap& map() const { return *map_; }
  const TokenState& state() const { return *state_; }

  /// x: [batch, tokens, channels] of any floating type → [batch, merged tokens, channels] float32. kWeighted weighs by
  /// the sizes before the step. @throws Error kShapeMismatch, kInvalidArgument for a type that is not floating.
  Tensor merge(const Tensor& x, MergeMode mode, const Run& run = {}) const;
  /// y: [batch, merged tokens, channels] → [batch, kept tokens, channels] float32. @throws as merge().
  Tensor unmerge(const Tensor& y, const Run& run = {}) const;
  /// [batch, merged tokens, original tokens] float32, 1 where the token holds the original one.
  Tensor dense_source() const;

 private:
  std::shared_ptr<const MergeMap> map_;
  std::shared_ptr<const std::vector<float>> sizes_before_;
  std::shared_ptr<const TokenState> state_;
};

/// A tensor [batch, tokens, channels] of a floating type as float32. @throws Error kShapeMismatch, kInvalidArgument.
Tensor token_values(const char* name, const Tensor& tensor);
/// What the matchings take; `values` (float32, three dimensions) must outlive it.
Metric metric_of(const Tensor& values);

}  // namespace histojet::merging
