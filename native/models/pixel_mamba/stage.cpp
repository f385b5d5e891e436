#include <algorithm>

#include "base/error.hpp"
#include "models/pixel_mamba/layers.hpp"

namespace histojet::models {
namespace {

constexpr float kNormEpsilon = 1e-5F;

tokens::MambaConfig mixer_config(const PixelMambaStage& stage) {
  return {.dim = stage.dim,
          .d_state = stage.d_state,
          .d_conv = stage.d_conv,
          .expand = stage.expand,
          .dt_rank = stage.dt_rank,
          .bidirectional = stage.bidirectional,
          // The forms `none` and `v1` of the reference know no division.
          .divide_out = stage.divide_out && stage.bidirectional == tokens::Bidirectional::kV2};
}

/// Whether there is a gate is the checkpoint's; all else the configuration says.
std::shared_ptr<const tokens::Ss2d> load_cross(const weights::WeightScope& scope, const PixelMambaStage& stage,
                                               const tokens::LayerOptions& options) {
  const std::int64_t inner = stage.dim * stage.expand;
  const Shape& in_proj = scope.dict().entry(scope.full_name("in_proj.weight")).shape;
  return std::make_shared<const tokens::Ss2d>(
      tokens::Ss2d::load(scope,
                         {.dim = stage.dim,
                          .inner = inner,
                          .d_state = stage.d_state,
                          .dt_rank = stage.dt_rank > 0 ? stage.dt_rank : (stage.dim + 15) / 16,
                          .kernel = stage.d_conv,
                          .gated = in_proj.empty() || in_proj[0] != inner},
                         options));
}

/// An MLP of as many hidden values as the configuration says.
PixelMlp load_mlp(const weights::WeightScope& block, const PixelMambaStage& stage,
                  const tokens::LayerOptions& options) {
  const weights::WeightScope scope = block.scope("mlp");
  const std::string key = scope.full_name("fc1.weight");
  const Shape expected{stage.mlp_hidden(), stage.dim}, found = scope.dict().entry(key).shape;
  if (found != expected) {
    throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensor '" + key + "' has shape " +
                                               shape_text(found) + ", the model expects " + shape_text(expected));
  }
  return {tokens::Norm::load(block.scope("norm2"), stage.dim, tokens::NormKind::kRms, options, kNormEpsilon),
          tokens::Mlp::load(scope, stage.dim, options)};
}

PixelBlock load_block(const weights::WeightScope& scope, const PixelMambaStage& stage,
                      const tokens::LayerOptions& options) {
  PixelBlock block{
      .norm = tokens::Norm::load(scope.scope("norm"), stage.dim, tokens::NormKind::kRms, options, kNormEpsilon),
      .mixer = {}};
  if (stage.scan == ScanKind::kCross2d) {
    block.cross = load_cross(scope.scope("mixer"), stage, options);
  } else {
    block.mixer = tokens::MambaMixer::load(scope.scope("mixer"), mixer_config(stage), options);
  }
  if (stage.mlp_ratio > 0) block.mlp = load_mlp(scope, stage, options);
  return block;
}

/// The mean of the tokens becomes one more, in double precision and in their order.
void append_mean(float* tokens, std::int64_t count, std::int64_t dim, std::int64_t step) {
  std::vector<double> sum(static_cast<std::size_t>(dim));
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t c = 0; c < dim; ++c)
      sum[static_cast<std::size_t>(c)] += static_cast<double>(tokens[i * step + c]);
  }
  float* mean = tokens + count * step;
  std::fill_n(mean, step, 0.0F);
  for (std::int64_t c = 0; c < dim; ++c) {
    mean[c] = static_cast<float>(sum[static_cast<std::size_t>(c)] / static_cast<double>(count));
  }
}

}  // namespace

std::int64_t PixelBlock::byte_size() const {
  return (cross ? cross->byte_size() : mixer.byte_size()) + (mlp ? mlp->layers.byte_size() : 0);
}

void PixelBlock::run_mlp(float* tokens, std::int64_t step, std::int64_t count, PixelScratch& scratch,
                         int threads) const {
  if (mlp) mlp->layers.run(&mlp->norm, tokens, step, count, scratch.products, threads);
}

void PixelStage::enter(tokens::GridCell cell, float* tokens) const {
  if (!positions.empty()) positions.add(form, cell, tokens, step);
  if (form.region_token) append_mean(tokens, form.tokens, dim, step);
}

PixelStage load_stage(const weights::WeightScope& root, const PixelMambaConfig& config, std::size_t index,
                      StageForm form, const StageForm& next, const tokens::LayerOptions& options) {
  const PixelMambaStage& stage = config.stages[index];
  const weights::WeightScope scope = root.scope("stages." + std::to_string(index));
  PixelStage loaded;
  loaded.form = std::move(form);
  loaded.dim = stage.dim;
  loaded.step = token_step(stage.dim);
  if (stage.pos == PositionKind::kSincos2d) loaded.positions = SincosPositions(stage.dim);
  for (std::int64_t i = 0; i < stage.depth; ++i) {
    loaded.blocks.push_back(load_block(scope.scope("blocks." + std::to_string(i)), stage, options));
  }
  if (index + 1 == config.stages.size()) return loaded;
  const weights::WeightScope merge = scope.scope("merge");
  if (config.merge == MergeKind::kTome) {
    loaded.similarity = SimilarityMerge(merge, config, index, loaded.form.tokens, options);
    return loaded;
  }
  loaded.merge = TokenMerge(merge, config.merge, stage.dim, config.stages[index + 1].dim, options);
  if (!config.is_coarse(index + 1)) {
    loaded.merge_sources = region_merge_sources(loaded.form, next, config.merge_shape(index));
  }
  return loaded;
}

}  // namespace histojet::models
