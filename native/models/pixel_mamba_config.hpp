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

/// How four tokens become one between two stages.
enum class MergeKind {
  kConcat2x2,   ///< concatenated as Swin does, LayerNorm, linear without bias
  kAverage2x2,  ///< mean, linear without bias
  kConv2x2,     ///< convolution 2 x 2 with stride 2 and without bias, LayerNorm
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
  MergeKind merge = MergeKind::kConcat2x2;
  PoolKind pool = PoolKind::kMean;
  HeadKind head = HeadKind::kClassification;
  std::int64_t outputs = 2;
  std::vector<std::string> labels;  ///< of the classes or intervals; may be empty

  /// Side of a stage's tokens in pixels.
  std::int64_t token_px(std::size_t stage) const { return patch_px << stage; }
  /// Tokens of one region along a side; 1 where a token covers a region or more.
  std::int64_t tokens_per_side(std::size_t stage) const;
  /// Does a token of this stage cover several regions?
  bool is_coarse(std::size_t stage) const { return token_px(stage) > region_size_px; }
  /// Does the stage need all of its tokens before the first result?
  bool is_global(std::size_t stage) const;

  bool operator==(const PixelMambaConfig&) const = default;
};

/// Reads a configuration. Unknown keys are errors. `where` names the text in messages that precede the JSON path.
/// @throws Error kInvalidArgument ("stages[2].dim: expected …, got …"), kUnsupportedFormat for what the format allows
/// and this program does not compute, kCorruptFile for what is no JSON.
PixelMambaConfig parse_pixel_mamba(std::string_view json, const std::string& where = "config");

/// The configuration as JSON that reads back as the same one, defaults written out.
std::string pixel_mamba_json(const PixelMambaConfig& config);

/// "pm-nano", "pm-tiny" or "pm-small", with a head of two classes. @throws Error kInvalidArgument naming those.
PixelMambaConfig pixel_mamba_preset(std::string_view name);

/// What the fields must obey together; parse_pixel_mamba() calls it. @throws Error kInvalidArgument with the path.
void check_pixel_mamba(const PixelMambaConfig& config, const std::string& where = "config");

}  // namespace histojet::models
