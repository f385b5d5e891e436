#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/pixel_mamba/region_pass.hpp"
#include "models/pixel_mamba/region_reuse.hpp"
#include "models/pixel_mamba/sequence_sweep.hpp"

namespace histojet::models {
namespace {

constexpr auto kBetweenReports = std::chrono::milliseconds(50);

/// One evaluation, stage after stage: passes over the regions as far as stages allow it, sweeps over stored tokens
/// where they do not.
class Evaluation {
 public:
  explicit Evaluation(RunContext& context)
      : context_(context), cells_(context.source.regions()), pool_(context.network.pool, middle_token()) {
    if (context.options.keep_attention) pool_.keep_scores();
  }

  PixelMambaResult run() {
    const std::size_t stages = context_.config().stages.size();
    for (std::size_t stage = 0; stage < stages;) {
      if (context_.config().is_coarse(stage)) {
        const auto coarser = coarser_cells(context_.config(), context_.source.width_px(), stage, cells_);
        store_ = merge_cells(context_, stage, *store_, cells_, coarser);
        cells_ = coarser;
        sweep_stage(context_, stage++, cells_, store_);
      } else {
        stage = pass(stage);
      }
    }
    if (store_ != nullptr) pool_store(context_, *store_, sizes_.get(), cells_, pool_);
    return result();
  }

 private:
  /// Regions from stage `first` on to where tokens must be stored or pooled. @returns the stage that comes then.
  std::size_t pass(std::size_t first) {
    const PixelMambaConfig& config = context_.config();
    const std::size_t end = config.stages.size();
    std::size_t last = first;
    while (!config.is_global(last) && last + 1 < end && !config.is_coarse(last + 1)) ++last;
    const bool similar = config.merge == MergeKind::kTome;
    RegionReuse* reuse = store_ == nullptr && !similar ? context_.options.reuse : nullptr;
    const bool global = config.is_global(last), pooled = !global && last + 1 == end && reuse == nullptr;
    std::unique_ptr<TokenStore> store, sizes;
    if (!pooled) {
      const std::int64_t tokens = static_cast<std::int64_t>(cells_.size()) * context_.unit_tokens(last);
      store = std::make_unique<TokenStore>(tokens, config.stages[last].dim, context_.budget);
      if (similar) sizes = std::make_unique<TokenStore>(tokens, kSizeValues, context_.budget);
    }
    {
      RegionPass regions(
          context_, first, last, {.store = store_.get(), .sizes = sizes_.get()},
          {.store = store.get(), .before_blocks = global, .pool = pooled ? &pool_ : nullptr, .sizes = sizes.get()});
      if (reuse != nullptr) {
        reuse->run(regions, *store);
      } else {
        regions.run();
      }
    }
    store_ = std::move(store);
    sizes_ = std::move(sizes);
    if (global) sweep_stage(context_, last, cells_, store_);
    return last + 1;
  }

  /// For PoolKind::kMiddle: the middle one of the tokens that will count.
  std::int64_t middle_token() const {
    const PixelMambaConfig& config = context_.config();
    if (config.pool != PoolKind::kMiddle) return 0;
    const std::size_t last = config.stages.size() - 1;
    std::vector<tokens::GridCell> cells = cells_;
    for (std::size_t s = 1; s <= last; ++s) {
      if (config.is_coarse(s)) cells = coarser_cells(config, context_.source.width_px(), s, cells);
    }
    std::int64_t total = 0;
    for (const tokens::GridCell cell : cells) {
      const auto counts = counted_tokens(context_.network.stages[last].form, context_.source, cell);
      total += counts.empty() ? context_.unit_tokens(last) : std::ranges::count(counts, 1);
    }
    return total / 2;
  }

  PixelMambaResult result() {
    const PixelMambaConfig& config = context_.config();
    PixelMambaResult result;
    result.features = pool_.features();
    result.logits = context_.network.head.logits(result.features);
    for (const float logit : result.logits) {
      if (std::isfinite(logit)) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  "the network's output is no finite number: its weights do not fit its input or its configuration");
    }
    result.head = interpret_logits(config.head, result.logits);
    if (context_.options.keep_attention) result.attention = pool_.attention();
    result.regions = static_cast<std::int64_t>(context_.source.regions().size());
    const std::int64_t all = region_count(context_.source.width_px(), config.region_size_px) *
                             region_count(context_.source.height_px(), config.region_size_px);
    result.regions_skipped = all - result.regions;
    result.tokens_pooled = pool_.tokens();
    result.spilled_bytes = context_.budget.spilled_bytes;
    return result;
  }

  RunContext& context_;
  std::vector<tokens::GridCell> cells_;  ///< regions, or what the tokens of the last stage so far cover
  std::unique_ptr<TokenStore> store_;    ///< tokens of the last stage so far; null before the first
  std::unique_ptr<TokenStore> sizes_;    ///< MergeKind::kTome: their sizes
  TokenPool pool_;
};

}  // namespace

void ProgressMeter::begin(const std::string& stage, std::int64_t total) {
  if (!tell_) return;
  std::lock_guard lock(mutex_);
  progress_ = {stage, 0, total};
  report(true);
}

void ProgressMeter::advance(std::int64_t count) {
  if (!tell_) return;
  std::lock_guard lock(mutex_);
  progress_.done += count;
  report(progress_.done >= progress_.total);
}

void ProgressMeter::report(bool always) {
  const auto now = std::chrono::steady_clock::now();
  if (!always && now - last_ < kBetweenReports) return;
  last_ = now;
  tell_(progress_);
}

PixelMambaResult PixelMamba::run(const RegionSource& source, const PixelMambaRunOptions& options,
                                 const CancelToken& cancel) const {
  if (options.store_bytes < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "storeBytes: expected 0 or more, got " + std::to_string(options.store_bytes));
  }
  const int all = Executor::instance().thread_count();
  RunContext context{.network = network_,
                     .source = source,
                     .options = options,
                     .cancel = cancel,
                     .threads = options.threads > 0 ? std::min(options.threads, all) : all,
                     .budget = {.free_bytes = options.store_bytes, .folder = options.spill_folder},
                     .progress = ProgressMeter(options.progress)};
  if (source.regions().empty()) {
    throw Error(ErrorCode::kInvalidArgument, "no part of the picture is looked at: there is no tissue in it");
  }
  return Evaluation(context).run();
}

}  // namespace histojet::models
