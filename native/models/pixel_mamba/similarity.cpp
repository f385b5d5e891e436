#include "models/pixel_mamba/similarity.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "merging/matching.hpp"
#include "models/pixel_mamba/layers.hpp"

namespace histojet::models {
namespace {

/// Rows of a product that are worked on together.
constexpr std::int64_t kTileRows = 256;

std::vector<TokenSize> summed(const merging::MergeMap& map, const std::vector<TokenSize>& sizes) {
  std::vector<TokenSize> merged(static_cast<std::size_t>(map.merged_tokens()), TokenSize{0, 0});
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    TokenSize& sum = merged[static_cast<std::size_t>(map.owner(0)[t])];
    sum.all += sizes[t].all;
    sum.counted += sizes[t].counted;
  }
  return merged;
}

}  // namespace

SimilarityMerge::SimilarityMerge(const weights::WeightScope& scope, const PixelMambaConfig& config, std::size_t stage,
                                 std::int64_t tokens, const tokens::LayerOptions& options)
    : tokens_(tokens), window_(config.tome_window), in_(config.stages[stage].dim), isa_(options.isa) {
  const SimilarityCut cut = similarity_cut(tokens, config.tome_keep, config.tome_window);
  asked_ = cut.asked;
  merged_tokens_ = tokens - cut.removed;
  reduction_ =
      tokens::Linear::load(scope.scope("reduction"), in_, config.stages[stage + 1].dim, tokens::Bias::kNone, options);
}

void SimilarityMerge::run(const float* in, std::vector<TokenSize>& sizes, float* out, SimilarityScratch& scratch,
                          tokens::LinearScratch& linear, int threads, const CancelToken& cancel) const {
  const std::int64_t step = token_step(in_), out_step = token_step(reduction_.out());
  scratch.values.resize(static_cast<std::size_t>(tokens_ * in_));
  scratch.weights.resize(static_cast<std::size_t>(tokens_));
  for (std::int64_t t = 0; t < tokens_; ++t) {
    std::copy_n(in + t * step, in_, scratch.values.begin() + t * in_);
    scratch.weights[static_cast<std::size_t>(t)] = sizes[static_cast<std::size_t>(t)].all;
  }
  const merging::Run run{.threads = threads, .isa = isa_, .cancel = cancel};
  const merging::MergeMap map =
      merging::bipartite_matching({.values = scratch.values.data(), .batch = 1, .tokens = tokens_, .channels = in_},
                                  {.r = asked_, .keep_order = true, .window = window_}, run);
  if (map.merged_tokens() != merged_tokens_) {
    throw Error(ErrorCode::kInvalidArgument,
                "merge \"tome\": tokens are no finite numbers: the network's weights do not fit its input or its "
                "configuration");
  }
  scratch.merged.resize(static_cast<std::size_t>(merged_tokens_ * in_));
  map.merge(scratch.values.data(), in_, merging::MergeMode::kWeighted, scratch.weights.data(), scratch.merged.data(),
            run);
  sizes = summed(map, sizes);
  scratch.rows.reshape(kTileRows, in_, reduction_.storage());
  for (std::int64_t first = 0; first < merged_tokens_; first += kTileRows) {
    const std::int64_t count = std::min(kTileRows, merged_tokens_ - first);
    tokens::store_rows({.data = scratch.merged.data(), .step = in_}, first, in_, isa_, scratch.rows, 0, count);
    reduction_.run(scratch.rows, 0, count, out + first * out_step, out_step, linear);
  }
}

}  // namespace histojet::models
