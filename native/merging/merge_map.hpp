#pragma once

#include <cstdint>
#include <vector>

#include "kernels/combine_rows/combine_rows.hpp"
#include "merging/run.hpp"

namespace histojet::merging {

/// What becomes of the rows of tokens that turn into one.
using MergeMode = kernels::Combination;

/// One step of merging for a batch of sequences of equal length: which token of the result each token becomes part of.
/// Immutable.
class MergeMap {
 public:
  /// `owner`: [batch][tokens], the token of the result that each token becomes part of, or -1 for tokens that are
  /// dropped, which may only be the last ones. @throws Error kInvalidArgument for an owner outside of the result, a
  /// token of the result that nothing becomes part of, a dropped token before a kept one, or sequences that drop
  /// different numbers.
  MergeMap(std::int64_t batch, std::int64_t tokens, std::int64_t merged_tokens, std::vector<std::int32_t> owner);
  /// Every token stays itself.
  static MergeMap identity(std::int64_t batch, std::int64_t tokens);

  std::int64_t batch() const { return batch_; }
  std::int64_t tokens() const { return tokens_; }
  std::int64_t merged_tokens() const { return merged_tokens_; }
  /// Tokens that are not dropped; the length of what unmerge() gives.
  std::int64_t kept_tokens() const { return kept_tokens_; }
  const std::int32_t* owner(std::int64_t sample) const { return owner_.data() + sample * tokens_; }
  /// Members of token i of the result, in rising order: members(sample)[starts(sample)[i]], …,
  /// members(sample)[starts(sample)[i + 1] - 1].
  const std::int32_t* starts(std::int64_t sample) const { return starts_.data() + sample * (merged_tokens_ + 1); }
  const std::int32_t* members(std::int64_t sample) const { return members_.data() + sample * kept_tokens_; }

  /// x: [batch][tokens][channels] → out: [batch][merged_tokens][channels]. `weights`: [batch][tokens], for
  /// MergeMode::kWeighted only.
  void merge(const float* x, std::int64_t channels, MergeMode mode, const float* weights, float* out,
             const Run& run = {}) const;
  /// y: [batch][merged_tokens][channels] → out: [batch][kept_tokens][channels]: each token gets the value of the one
  /// that it became part of.
  void unmerge(const float* y, std::int64_t channels, float* out, const Run& run = {}) const;

 private:
  void list_members(std::int64_t sample);

  std::int64_t batch_, tokens_, merged_tokens_;
  std::int64_t kept_tokens_;
  std::vector<std::int32_t> owner_;
  std::vector<std::int32_t> starts_;
  std::vector<std::int32_t> members_;
};

}  // namespace histojet::merging
