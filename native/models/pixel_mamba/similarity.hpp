#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/pixel_mamba/forms.hpp"
#include "tokens/linear.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// What a token of a network that merges by similarity holds of the first stage's tokens: how many in all, which weigh
/// it when it merges, and how many of those that the pooling looks at, which weigh it there.
struct TokenSize {
  float all = 1;
  float counted = 1;
  bool operator==(const TokenSize&) const = default;
};

/// Memory that a merge by similarity works in.
struct SimilarityScratch {
  std::vector<float> values;  ///< [tokens][in]
  std::vector<float> merged;  ///< [merged tokens][in]
  std::vector<float> weights;
  tokens::RowBuffer rows;
  std::int64_t byte_size() const {
    return static_cast<std::int64_t>((values.capacity() + merged.capacity() + weights.capacity()) * sizeof(float)) +
           rows.byte_size();
  }
};

/// Tokens of a region become fewer by what they say: bipartite matching (ToMe) of the tokens themselves, by cosine, in
/// windows of the sequence, whose order is kept; the merged ones' mean by their sizes; a linear layer. Key
/// `reduction.weight` [out, in].
class SimilarityMerge {
 public:
  SimilarityMerge() = default;
  /// For `tokens` tokens of a region. @throws Error kMissingWeight, kShapeMismatch.
  SimilarityMerge(const weights::WeightScope& scope, const PixelMambaConfig& config, std::size_t stage,
                  std::int64_t tokens, const tokens::LayerOptions& options);

  bool empty() const { return reduction_.empty(); }
  std::int64_t byte_size() const { return reduction_.byte_size(); }
  /// The region's tokens, token_step() apart on both sides; `sizes` has one entry for each before and afterwards.
  /// @throws Error kInvalidArgument for tokens that are no finite numbers; Cancelled.
  void run(const float* in, std::vector<TokenSize>& sizes, float* out, SimilarityScratch& scratch,
           tokens::LinearScratch& linear, int threads, const CancelToken& cancel) const;

 private:
  std::int64_t tokens_ = 0;
  std::int64_t asked_ = 0;
  std::int64_t merged_tokens_ = 0;
  std::int64_t window_ = 0;
  std::int64_t in_ = 0;
  Isa isa_ = Isa::kScalar;
  tokens::Linear reduction_;
};

}  // namespace histojet::models
