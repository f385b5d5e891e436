#include "explain/pixel_attribution.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "explain/pixel_trace.hpp"
#include "explain/pooled_relevance.hpp"
#include "models/pixel_mamba/context.hpp"

namespace histojet::explain {
namespace {

using models::PixelMambaConfig;

/// Of each token of the finest stage, while a block is taken through: relevance, sums of both directions, all twice.
constexpr std::int64_t kBytesPerToken = 40;
constexpr std::int64_t kBytesPerCell = 8;

void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

std::size_t stage_of(const PixelMambaConfig& config, std::int64_t token_px) {
  std::string known;
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    if (config.token_px(s) == token_px) return s;
    known += (s == 0 ? "" : ", ") + std::to_string(config.token_px(s));
  }
  refuse("tokenPx: expected the side of a stage's tokens (" + known + "), got " + std::to_string(token_px));
  return 0;
}

std::size_t finest_stage(const PixelMambaConfig& config, const std::vector<StageLayout>& layouts,
                         const AttributionOptions& options) {
  if (options.token_px != 0) {
    const std::size_t stage = stage_of(config, options.token_px);
    const std::int64_t bytes = attribution_bytes(layouts, stage);
    if (bytes > options.memory_bytes) {
      refuse("tokenPx: tokens of " + std::to_string(options.token_px) + " px take " + std::to_string(bytes) +
             " bytes on this picture, allowed are " + std::to_string(options.memory_bytes) +
             "; raise the memory or take larger tokens");
    }
    return stage;
  }
  std::size_t stage = 0;
  while (stage + 1 < layouts.size() && attribution_bytes(layouts, stage) > options.memory_bytes) ++stage;
  if (attribution_bytes(layouts, stage) > options.memory_bytes) {
    refuse("memory: " + std::to_string(options.memory_bytes) +
           " bytes are too few for a map of this picture, which takes " +
           std::to_string(attribution_bytes(layouts, stage)));
  }
  return stage;
}

/// Tokens of a stage that make up a local square.
std::int64_t local_tokens(const PixelMambaConfig& config, std::size_t stage, std::int64_t local_px) {
  const std::int64_t side = std::max<std::int64_t>(1, local_px / config.token_px(stage));
  return side * side;
}

std::int64_t checked_local_px(const PixelMambaConfig& config, std::int64_t local_px) {
  const std::int64_t region = config.region_size_px;
  if (local_px == 0 || local_px == region) return region;
  const bool nested = tokens::is_hierarchical(config.pixel_order);
  const bool fits = local_px >= config.patch_px && local_px < region && local_px % config.patch_px == 0 &&
                    ((local_px / config.patch_px) & (local_px / config.patch_px - 1)) == 0;
  if (!nested || !fits) {
    refuse("localPx: expected " + std::to_string(region) +
           (nested ? " or a smaller power of two times " + std::to_string(config.patch_px) : "") + ", got " +
           std::to_string(local_px));
  }
  return local_px;
}

/// One picture's relevance on its way from the pooling to the pixels.
class Descent {
 public:
  Descent(const models::PixelMamba& model, const models::RegionSource& source, const AttributionOptions& options,
          const CancelToken& cancel)
      : model_(model),
        source_(source),
        options_(options),
        cancel_(cancel),
        config_(model.config()),
        local_px_(checked_local_px(config_, options.local_px)),
        layouts_(stage_layouts(config_, source)),
        finest_(finest_stage(config_, layouts_, options)),
        budget_{.free_bytes = options.store_bytes / 2, .folder = options.spill_folder},
        trace_(config_, layouts_, finest_, budget_),
        progress_(options.progress) {}

  Attribution run() {
    Attribution attribution;
    attribution.result = evaluate();
    attribution.output = chosen_output(config_, attribution.result, options_.output);
    Relevance relevance = pooled_relevance(model_, trace_, attribution.result, attribution.output);
    for (const float value : relevance.all) attribution.total += value;
    relevance.local = relevance.all;
    for (std::size_t stage = config_.stages.size(); stage-- > finest_;) {
      through_blocks(stage, relevance);
      attribution.maps.push_back(map_of(stage, relevance));
      if (stage > finest_) relevance = to_children(stage - 1, relevance);
    }
    return attribution;
  }

 private:
  models::PixelMambaResult evaluate() {
    return model_.run(source_,
                      {.threads = options_.threads,
                       .store_bytes = options_.store_bytes - options_.store_bytes / 2,
                       .spill_folder = options_.spill_folder,
                       .progress = options_.progress,
                       .listener = &trace_,
                       .keep_attention = config_.pool == models::PoolKind::kAttention},
                      cancel_);
  }

  void through_blocks(std::size_t stage, Relevance& relevance) {
    const models::PixelMambaStage& form = config_.stages[stage];
    const std::int64_t unit = layouts_[stage].unit_tokens();
    const bool restarts = form.backward_scope == models::BackwardScope::kRegion;
    const int all = Executor::instance().thread_count();
    const int threads = options_.threads > 0 ? std::min(options_.threads, all) : all;
    const RolloutOptions rollout{.sign = options_.sign,
                                 .backward_segment = restarts ? unit : 0,
                                 .local_segment = local_tokens(config_, stage, local_px_),
                                 .threads = threads,
                                 .isa = model_.isa(),
                                 .cancel = cancel_};
    progress_.begin("relevance, stage " + std::to_string(stage), form.depth);
    for (auto block = static_cast<std::size_t>(form.depth); block-- > 0;) {
      const models::PixelBlock& layers = model_.network().stages[stage].blocks[block];
      MixerTerms terms(layers.mixer, layers.norm, trace_.block_input(stage, block),
                       {.backward_segment = rollout.backward_segment,
                        .sign = options_.sign,
                        .weighting = options_.weighting,
                        .threads = std::max(1, threads / 2),
                        .cancel = cancel_});
      rollout_block(terms, rollout, relevance);
      progress_.advance(1);
    }
  }

  Relevance to_children(std::size_t finer, const Relevance& relevance) const {
    const models::PixelStage& stage = model_.network().stages[finer];
    const MergePlan plan(layouts_[finer], layouts_[finer + 1], config_.region_order, stage.merge_sources);
    return share_among_children(stage.merge, plan, trace_.stage_output(finer), options_.shares, relevance,
                                options_.threads, cancel_);
  }

  RelevanceMap map_of(std::size_t stage, const Relevance& relevance) const {
    const StageLayout& layout = layouts_[stage];
    RelevanceMap map{.stage = stage,
                     .token_px = layout.token_px,
                     .columns = layout.columns,
                     .rows = layout.rows,
                     .values = layout.grid(relevance.all),
                     .local = layout.grid(relevance.local)};
    bool first = true;
    for (const float value : map.values) {
      if (std::isnan(value)) continue;
      map.min = first ? value : std::min(map.min, value);
      map.max = first ? value : std::max(map.max, value);
      first = false;
    }
    double local = 0, distant = 0;
    for (std::size_t i = 0; i < relevance.all.size(); ++i) {
      map.sum += relevance.all[i];
      local += std::fabs(relevance.local[i]);
      distant += std::fabs(static_cast<double>(relevance.all[i]) - relevance.local[i]);
    }
    map.local_share = local + distant > 0 ? local / (local + distant) : 0;
    return map;
  }

  const models::PixelMamba& model_;
  const models::RegionSource& source_;
  const AttributionOptions& options_;
  const CancelToken& cancel_;
  const PixelMambaConfig& config_;
  const std::int64_t local_px_;
  const std::vector<StageLayout> layouts_;
  const std::size_t finest_;
  models::StoreBudget budget_;
  PixelTrace trace_;
  models::ProgressMeter progress_;
};

}  // namespace

std::int64_t attribution_bytes(const std::vector<StageLayout>& layouts, std::size_t stage) {
  std::int64_t bytes = layouts[stage].tokens() * kBytesPerToken;
  for (std::size_t s = stage; s < layouts.size(); ++s) bytes += layouts[s].rows * layouts[s].columns * kBytesPerCell;
  return bytes;
}

Attribution attribute(const models::PixelMamba& model, const models::RegionSource& source,
                      const AttributionOptions& options, const CancelToken& cancel) {
  models::check_rollout(model.config());
  check_output(model.config(), options.output);
  if (options.store_bytes < 0 || options.memory_bytes < 0) refuse("memory: expected 0 bytes or more");
  if (source.regions().empty()) refuse("no part of the picture is looked at: there is no tissue in it");
  return Descent(model, source, options, cancel).run();
}

}  // namespace histojet::explain
