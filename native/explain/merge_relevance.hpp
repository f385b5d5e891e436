#pragma once

#include "base/cancel.hpp"
#include "explain/block_rollout.hpp"
#include "explain/mixer_terms.hpp"
#include "explain/stage_layout.hpp"

namespace histojet::explain {

/// How the relevance of a merged token is divided among the tokens that it was made of.
enum class ChildShares {
  kNorms,  ///< in proportion to the length of the part that each of them adds
  kEqual,
};

/// Takes relevance from the tokens of one stage to those of the stage before, through the merge between them. The sum
/// stays what it was.
/// @param children tokens of the finer stage as they enter the merge
Relevance share_among_children(const models::TokenMerge& merge, const MergePlan& plan, const TokenReader& children,
                               ChildShares shares, const Relevance& relevance, int threads, const CancelToken& cancel);

}  // namespace histojet::explain
