#pragma once

#include <cstdint>
#include <vector>

#include "merging/merge_map.hpp"
#include "merging/run.hpp"

namespace histojet::merging {

/// Features that tokens are compared by.
struct Metric {
  const float* values;  ///< [batch][tokens][channels]
  std::int64_t batch;
  std::int64_t tokens;
  std::int64_t channels;
};

/// How bipartite_matching() merges.
struct BipartiteOptions {
  /// Tokens to remove from each sequence; at most half of those that are not protected are.
  std::int64_t r = 0;
  /// Token 0 never becomes part of another one and stays the first.
  bool class_token = false;
  /// Nothing becomes part of token 1; it stays the second one when there is a class token too.
  bool distill_token = false;
  /// The result is in the order of the tokens' first members, as recurrent networks need it, and not of similarity.
  bool keep_order = false;
  /// Tokens of a window: only tokens of one window merge, and each window removes its share of r. 0: no windows. The
  /// last window may be shorter; protected tokens lie in the first one.
  std::int64_t window = 0;
};

/// Bipartite soft matching (ToMe: Bolya et al., arXiv 2210.09461; facebookresearch/ToMe, tome/merge.py).
///
/// Even tokens look for the most similar odd one, by cosine, and the r most similar pairs merge. The result's order is
/// the reference's: the other even tokens by falling similarity (rising index with a class token), then all odd ones;
/// with a distillation token the first of each come first.
///
/// Where the reference leaves it open: of equally similar partners the first is taken; of equally similar pairs that
/// with the lower even token merges first; zero rows (norm below 1e-12) have the similarity 0; rows that are not finite
/// never merge. All sequences of a batch lose equally many tokens, so one that has fewer pairs limits the others.
/// @throws Error kInvalidArgument for negative numbers and a metric without channels.
MergeMap bipartite_matching(const Metric& metric, const BipartiteOptions& options, const Run& run = {});

/// Every k-th token takes in the most similar of the others, all of them (kth_bipartite_soft_matching of the same
/// source): of T tokens T / k remain, in their order, and the last T mod k are dropped as in the reference. Tokens
/// without a partner (features that are not finite) become part of the k-th token that follows them. k = 1 changes
/// nothing. @throws Error kInvalidArgument unless 1 <= k, and for a metric without channels.
MergeMap kth_bipartite_matching(const Metric& metric, std::int64_t k, const Run& run = {});

/// How partition_matching_2d() merges.
struct PartitionOptions {
  std::int64_t height = 0;  ///< height * width tokens, in rows
  std::int64_t width = 0;
  std::int64_t stride_y = 2;  ///< of each full cell of stride_y x stride_x tokens the top left one takes in others
  std::int64_t stride_x = 2;
  std::int64_t r = 0;  ///< tokens to remove; at most all that take in none
  bool keep_order = false;
};

/// Two-dimensional matching (ToMe for Stable Diffusion: arXiv 2303.17604; dbolya/tomesd, tomesd/merge.py without
/// randomness). Tokens outside of full cells can be taken in, too. The result's order is the reference's: tokens that
/// did not merge by falling similarity, then those that take in others, row by row. Ties, zero rows and rows that are
/// not finite as in bipartite_matching(). @throws Error kShapeMismatch when the grid has not as many tokens as the
/// metric, kInvalidArgument for negative numbers, strides below 1, and a metric without channels.
MergeMap partition_matching_2d(const Metric& metric, const PartitionOptions& options, const Run& run = {});

/// How adjacent_matching() merges.
struct AdjacentOptions {
  double threshold = 0.9;    ///< neighbours whose cosine is above it belong to one run
  std::int64_t longest = 0;  ///< tokens of a run at most, 0: any number
  bool class_token = false;  ///< token 0 stays alone
};

/// Runs of consecutive tokens whose neighbours are similar become one token each. Linear in the number of tokens; keeps
/// the order. For one sequence, as each would get a length of its own. Zero rows and rows that are not finite as in
/// bipartite_matching(). @throws Error kShapeMismatch for a batch of several sequences, kInvalidArgument for a negative
/// length and a metric without channels.
MergeMap adjacent_matching(const Metric& metric, const AdjacentOptions& options, const Run& run = {});

}  // namespace histojet::merging
