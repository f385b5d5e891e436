#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "explain/merge_relevance.hpp"
#include "explain/scan_terms.hpp"
#include "explain/target_output.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::explain {

struct AttributionOptions {
  /// Which of the network's outputs is explained; kNoOutput: none of them, but the pooled features as such, so that the
  /// map says what was looked at and not what it speaks for; kPredictedOutput: the one that stands for the prediction.
  std::int64_t output = kNoOutput;
  /// Side of the smallest tokens that get a value, in pixels of the network's resolution; 0: the smallest for which
  /// `memory_bytes` is enough.
  std::int64_t token_px = 0;
  Sign sign = Sign::kMajorant;
  ChildShares shares = ChildShares::kNorms;
  Weighting weighting = Weighting::kContribution;
  /// Side of the squares within which paths between tokens are local; 0: regions. A power of two times the smallest
  /// token, in the hierarchical orders; else only 0 and the region's side.
  std::int64_t local_px = 0;
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< for relevances and maps
  /// For tokens, those of the evaluation and those that are kept; the rest of them waits in files.
  std::int64_t store_bytes = std::int64_t{1} << 30;
  std::string spill_folder;  ///< for those files; empty: the system's for temporary files
  int threads = 0;           ///< 0: all; has no influence on the result
  /// As PixelMambaRunOptions::progress.
  std::function<void(const models::PixelMambaProgress&)> progress;
};

/// The relevance of one stage's tokens, where they lie on the picture.
struct RelevanceMap {
  std::size_t stage = 0;
  std::int64_t token_px = 1;  ///< side of a token in pixels of the network's resolution
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  std::vector<float> values;  ///< [rows][columns], NaN where the network did not look
  /// The part of `values` that came along paths which stay within a local square in every block. What is left of them
  /// came from elsewhere.
  std::vector<float> local;
  float min = 0;  ///< of `values`
  float max = 0;
  double sum = 0;          ///< of the relevance of all tokens, those beyond the picture's border included
  double local_share = 0;  ///< sizes of the local parts, divided by those of both parts
};

struct Attribution {
  models::PixelMambaResult result;
  std::int64_t output = kNoOutput;  ///< what was explained: kNoOutput or a number
  /// From the coarsest stage down to the finest one explained.
  std::vector<RelevanceMap> maps;
  /// What the relevances of each stage add up to: with an output its part that depends on the picture (the logit
  /// without its bias, for classes less the mean of all), else 1.
  double total = 0;
};

/// Which parts of a picture a network's result comes from: attention roll-out through all blocks in linear time, down
/// to pixels if there is memory for it. Relevance starts at the pooled tokens, with the share of each in the pooling,
/// or, for an output, with what each adds to it, which may be negative; blocks and merges move it without changing its
/// sum (but see Sign::kSigned). Takes as long as one evaluation and three to four more of the stages explained, on two
/// threads at most apart from the matrix products.
///
/// @throws Error kInvalidArgument (no such output; token_px is no stage's; not enough memory for it, saying how much it
/// takes; local_px), kUnsupportedFormat (models::check_rollout()), what PixelMamba::run throws; Cancelled.
Attribution attribute(const models::PixelMamba& model, const models::RegionSource& source,
                      const AttributionOptions& options = {}, const CancelToken& cancel = {});

/// Bytes that relevances and maps of all stages from `stage` on take (AttributionOptions::memory_bytes).
std::int64_t attribution_bytes(const std::vector<StageLayout>& layouts, std::size_t stage);

}  // namespace histojet::explain
