#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "base/cpu_info.hpp"
#include "explain/scan_terms.hpp"

namespace histojet::explain {

/// How much each token of a sequence counts for an output.
struct Relevance {
  std::vector<float> all;
  /// The part of `all` that came here without ever leaving a segment (RolloutOptions::local_segment); empty when that
  /// was not asked for.
  std::vector<float> local;
};

struct RolloutOptions {
  Sign sign = Sign::kMajorant;
  std::int64_t backward_segment = 0;  ///< tokens after which the backward branch starts anew; 0: never
  /// Tokens that belong together: paths from one token to another of the same segment are local. 0: not told apart. A
  /// part of `backward_segment`, if smaller than that.
  std::int64_t local_segment = 0;
  int threads = 0;  ///< 0: all; at most two are of use, one per direction
  Isa isa = active_isa();
  CancelToken cancel = {};
};

/// Takes relevance through one block, from its output to its input, as attention roll-out does: with M the block's
/// hidden attention (mean over channels, sum over directions) and s its row sums plus 1, v = relevance / s and
/// relevance = v + vᵀ M. The sum over the tokens stays what it was.
///
/// M is never formed: row sums are a scan of ones, vᵀ M is a scan against the order. Time and memory grow with the
/// sequence; results do not depend on threads. With Sign::kSigned row sums can come close to 0, and relevance grows
/// accordingly; sizes below 1e-6 count as 1e-6.
/// @throws Error kShapeMismatch when there is not one value per token, kInvalidArgument for segments that cross;
/// Cancelled.
void rollout_block(BlockTerms& terms, const RolloutOptions& options, Relevance& relevance);

/// 1 + the row sums of the block's hidden attention (mean over channels, sum over directions).
std::vector<float> attention_row_sums(BlockTerms& terms, const RolloutOptions& options);

/// weightᵀ M alone: how much each token's input counts for the tokens' weighted output.
std::vector<float> attention_column_sums(BlockTerms& terms, const RolloutOptions& options,
                                         const std::vector<float>& weight);

}  // namespace histojet::explain
