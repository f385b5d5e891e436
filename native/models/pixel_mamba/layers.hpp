#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/pixel_mamba/config.hpp"
#include "models/pixel_mamba/forms.hpp"
#include "models/pixel_mamba/positions.hpp"
#include "models/pixel_mamba/similarity.hpp"
#include "tokens/linear.hpp"
#include "tokens/mamba_mixer.hpp"
#include "tokens/norm.hpp"
#include "tokens/ss2d.hpp"
#include "tokens/token_products.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// Floats between two tokens of `dim` values in the buffers of a run: what matrix products write.
constexpr std::int64_t token_step(std::int64_t dim) {
  return (dim + 15) / 16 * 16;
}

/// Memory that the layers of one thread work in. Grows to what the largest of them needs and is kept.
struct PixelScratch {
  tokens::LinearScratch linear;
  tokens::MixerScratch mixer;
  tokens::RowBuffer gathered;  ///< rows as they are collected, float32
  tokens::RowBuffer rows;      ///< as the product wants them
  tokens::Ss2dScratch grid;
  tokens::ProductScratch products;
  SimilarityScratch similarity;
};

/// Pixels to tokens of the first stage. Keys `stem.proj.weight` [dim, 3 * patch²] (rows, columns, channels) and
/// `stem.proj.bias`.
class PixelStem {
 public:
  PixelStem() = default;
  PixelStem(const weights::WeightScope& root, const PixelMambaConfig& config, const tokens::LayerOptions& options);

  /// `pixels`: one region, [region][region][3], normalised. Writes its tokens in scan order, token_step(dim) floats
  /// each.
  void run(const float* pixels, float* out, PixelScratch& scratch) const;
  std::int64_t byte_size() const { return projection_.byte_size(); }

 private:
  std::int64_t region_px_ = 0;
  std::int64_t patch_px_ = 1;
  std::int64_t step_ = 0;
  std::vector<std::int32_t> corners_;  ///< of each token, in the order of the scan: its first value in `pixels`
  tokens::Linear projection_;
};

/// Four tokens, or two, to one. Keys below `stages.{s}.merge`: `norm.{weight, bias}` and `reduction.weight` (kConcat2x2
/// [out, 4 * in], kConcat1x2 and kConcat2x1 [out, 2 * in], kAverage2x2 [out, in], kConv2x2 [out, in, 2, 2], whose norm
/// comes after the product).
class TokenMerge {
 public:
  TokenMerge() = default;
  TokenMerge(const weights::WeightScope& scope, MergeKind kind, std::int64_t in, std::int64_t out,
             const tokens::LayerOptions& options);

  /// Token i of `out` comes from the tokens sources[i] of `in` in Swin's order, of pairs from the first two; negative:
  /// zeros. Tokens lie token_step() apart on both sides.
  void run(const float* in, std::span<const std::array<std::int32_t, 4>> sources, float* out,
           PixelScratch& scratch) const;
  /// For each of `sources`, the Euclidean norm of what its tokens add to the merged one: |reduction . the token's part|
  /// (after the norm for concatenations; 0 where there is no token).
  void child_norms(const float* in, std::span<const std::array<std::int32_t, 4>> sources, std::array<float, 4>* norms,
                   PixelScratch& scratch) const;
  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }
  std::int64_t byte_size() const { return reduction_.byte_size(); }

 private:
  void gather(const float* in, std::span<const std::array<std::int32_t, 4>> sources, PixelScratch& scratch) const;
  bool concatenates() const { return kind_ != MergeKind::kAverage2x2 && kind_ != MergeKind::kConv2x2; }

  MergeKind kind_ = MergeKind::kConcat2x2;
  std::int64_t parts_ = 4;
  std::int64_t in_ = 0;
  std::int64_t out_ = 0;
  Isa isa_ = Isa::kScalar;
  tokens::Norm norm_;
  tokens::Linear reduction_;
};

/// What may follow a block's mixer: h += fc2(GELU(fc1(RMSNorm(h)))).
struct PixelMlp {
  tokens::Norm norm;
  tokens::Mlp layers;
};

/// h += mixer(RMSNorm(h)), and the MLP.
struct PixelBlock {
  tokens::Norm norm;
  tokens::MambaMixer mixer;  ///< all but ScanKind::kCross2d
  std::optional<PixelMlp> mlp = {};
  std::shared_ptr<const tokens::Ss2d> cross = nullptr;  ///< ScanKind::kCross2d

  std::int64_t byte_size() const;
  /// The MLP in place, if there is one; `step` floats between tokens.
  void run_mlp(float* tokens, std::int64_t step, std::int64_t count, PixelScratch& scratch, int threads) const;
};

/// One stage: its blocks, and how its tokens become those of the next one (not in the last).
struct PixelStage {
  std::vector<PixelBlock> blocks;
  TokenMerge merge;
  /// Tokens of a region that merge, in the orders of both stages; empty where the next stage's tokens cover several
  /// regions, and with `similarity`.
  std::vector<std::array<std::int32_t, 4>> merge_sources;
  SimilarityMerge similarity;  ///< MergeKind::kTome, in place of `merge`
  StageForm form;
  SincosPositions positions;
  std::int64_t dim = 0;
  std::int64_t step = 0;  ///< floats between two tokens

  /// What happens to the tokens of the region or cell at `cell` before the first block: positions are added, the
  /// region's token is appended.
  void enter(tokens::GridCell cell, float* tokens) const;
};

/// Stage `index`; `form` is its own, `next` that of the stage behind it (not looked at in the last).
/// @throws Error kMissingWeight, kShapeMismatch naming the key and both shapes.
PixelStage load_stage(const weights::WeightScope& root, const PixelMambaConfig& config, std::size_t index,
                      StageForm form, const StageForm& next, const tokens::LayerOptions& options);

}  // namespace histojet::models
