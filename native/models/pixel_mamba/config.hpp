#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/mamba_mixer.hpp"
#include "tokens/scan_order.hpp"

namespace histojet::models {

// The network `pixel-mamba/1`: pixels as tokens, scanned region by region, merged four to one from stage to stage, with
// Mamba blocks in each stage. The published Pixel-Mamba (arXiv 2412.16711) came without code or weights; this
// definition holds its plausible readings as configurations.

/// Where the backward direction of a stage starts anew.
enum class BackwardScope {
  kRegion,  ///< at the end of each region: memory stays bounded
  kGlobal,  ///< at the end of the picture
};

/// How tokens become fewer between two stages.
enum class MergeKind {
  kConcat2x2,   ///< four, concatenated as Swin does, LayerNorm, linear without bias
  kAverage2x2,  ///< four: mean, linear without bias
  kConv2x2,     ///< four: convolution 2 x 2 with stride 2 and without bias, LayerNorm
  kConcat1x2,   ///< two, as kConcat2x2: side by side, after the next stage one above the other, and so on in turn
  kConcat2x1,   ///< likewise, first one above the other
  kTome,        ///< the most similar ones of each window of the sequence (ToMe): mean by size, linear without bias
};

/// In which order, or on which grid, a stage's blocks scan its tokens.
enum class ScanKind {
  kSequence,  ///< in the order of the serialization
  kWindow,    ///< in windows of `window` x `window` tokens (LocalMamba)
  kCross2d,   ///< a grid in four orders (VMamba's SS2D)
  kScan2d,    ///< along rows, then down columns (2DMamba)
};

/// What is added to a stage's tokens to say where they lie.
enum class PositionKind {
  kNone,
  kSincos2d,  ///< sines and cosines of column and row, as in vision transformers
};

/// How the tokens of the last stage become one vector.
enum class PoolKind { kMean, kLast, kAttention, kMiddle };

enum class HeadKind {
  kClassification,    ///< softmax over the outputs
  kOrdinal,           ///< outputs + 1 ordered classes, output k: is it above class k
  kSurvivalDiscrete,  ///< hazard of each interval of time
  kCox,               ///< one logarithm of a risk
  kRegression,        ///< the outputs as they are
};

/// The word of the configuration: "classification", …
std::string head_name(HeadKind head);

enum class TissueRule {
  kNone,      ///< all regions count
  kOtsu,      ///< tissue is found by Otsu's threshold
  kProvided,  ///< the caller brings a mask
};

/// Rows and columns of a grid, or height and width.
struct GridSize {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::int64_t cells() const { return rows * columns; }
  bool operator==(const GridSize&) const = default;
};

struct PixelMambaStage {
  std::int64_t dim = 0;
  std::int64_t depth = 1;
  std::int64_t d_state = 16;
  std::int64_t d_conv = 4;
  std::int64_t expand = 2;
  std::int64_t dt_rank = 0;  ///< 0: a sixteenth of dim, rounded up
  tokens::Bidirectional bidirectional = tokens::Bidirectional::kV2;
  BackwardScope backward_scope = BackwardScope::kRegion;
  bool divide_out = true;  ///< halves the sum of both directions
  ScanKind scan = ScanKind::kSequence;
  std::int64_t window = 2;  ///< kWindow: side of a window in tokens
  double mlp_ratio = 0;     ///< hidden values of the MLP behind each mixer, as a multiple of dim; 0: there is none
  PositionKind pos = PositionKind::kNone;

  /// Whether blocks scan a grid and not a sequence.
  bool scans_grid() const { return scan == ScanKind::kCross2d || scan == ScanKind::kScan2d; }
  /// Hidden values of the MLP.
  std::int64_t mlp_hidden() const;

  bool operator==(const PixelMambaStage&) const = default;
};

struct PixelMambaConfig {
  double mpp = 0.5;                    ///< resolution of the input, micrometres per pixel
  std::array<float, 3> mean{0, 0, 0};  ///< red, green, blue; of values from 0 to 1
  std::array<float, 3> std{1, 1, 1};   ///< pixel = (value / 255 - mean) / std
  TissueRule tissue = TissueRule::kNone;
  double min_tissue = 0.05;  ///< regions of a slide with a smaller share of tissue are skipped
  std::int64_t region_size_px = 256;
  tokens::RegionOrder region_order = tokens::RegionOrder::kSnake;
  tokens::PixelOrder pixel_order = tokens::PixelOrder::kZorder;
  std::array<float, 3> pad_value{1, 1, 1};  ///< normalised; default: white
  std::int64_t patch_px = 1;                ///< side of a token of the first stage
  std::vector<PixelMambaStage> stages;
  bool region_tokens = false;  ///< each region's sequence ends with the mean of its tokens
  MergeKind merge = MergeKind::kConcat2x2;
  double tome_keep = 0.5;          ///< kTome: share of the tokens that a merge leaves, from 0.5 to 1
  std::int64_t tome_window = 256;  ///< kTome: consecutive tokens among which similar ones are looked for
  PoolKind pool = PoolKind::kMean;
  HeadKind head = HeadKind::kClassification;
  std::int64_t outputs = 2;
  std::vector<std::string> labels;  ///< of the classes or intervals; may be empty

  /// Tokens that become one between `stage` and the next one, down and across; 1 x 1 for kTome.
  GridSize merge_shape(std::size_t stage) const;
  /// A stage's tokens in pixels. Those of kTome have no shape; they count as the first stage's.
  GridSize token_size_px(std::size_t stage) const;
  /// The longer side of a stage's tokens in pixels.
  std::int64_t token_px(std::size_t stage) const;
  /// The grid of a region's tokens; 1 x 1 where a token covers a region or more.
  GridSize region_grid(std::size_t stage) const;
  /// Tokens of one region along a side where tokens are squares; 1 where a token covers a region or more.
  std::int64_t tokens_per_side(std::size_t stage) const;
  /// Does a token of this stage cover several regions?
  bool is_coarse(std::size_t stage) const { return token_px(stage) > region_size_px; }
  /// Does the stage need all of its tokens before the first result?
  bool is_global(std::size_t stage) const;
  /// Have the stage's tokens places on a grid? Those that merged by similarity have not.
  bool has_places(std::size_t stage) const { return merge != MergeKind::kTome || stage == 0; }
  /// Does a region's sequence end with the mean of its tokens? Grids and tokens of several regions have no place for
  /// it.
  bool has_region_token(std::size_t stage) const;

  bool operator==(const PixelMambaConfig&) const = default;
};

/// Reads a configuration. Unknown keys are errors. `where` names the text in messages that precede the JSON path.
/// @throws Error kInvalidArgument ("stages[2].dim: expected …, got …"), kCorruptFile for what is no JSON.
PixelMambaConfig parse_pixel_mamba(std::string_view json, const std::string& where = "config");

/// The configuration as JSON that reads back as the same one, defaults written out.
std::string pixel_mamba_json(const PixelMambaConfig& config);

/// "pm-nano", "pm-tiny" or "pm-small", with a head of two classes. @throws Error kInvalidArgument naming those.
PixelMambaConfig pixel_mamba_preset(std::string_view name);

/// What the fields must obey together; parse_pixel_mamba() calls it. @throws Error kInvalidArgument with the path.
void check_pixel_mamba(const PixelMambaConfig& config, const std::string& where = "config");

/// For attribution by roll-out, which follows squares of tokens through scans of a sequence.
/// @throws Error kUnsupportedFormat naming the first option that it does not follow.
void check_rollout(const PixelMambaConfig& config, const std::string& where = "config");

}  // namespace histojet::models
