#include "models/pixel_mamba/config.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/json_value.hpp"
#include "models/pixel_mamba/words.hpp"

namespace histojet::models {
namespace {

std::string triple_json(const std::array<float, 3>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < 3; ++i) text += (i == 0 ? "" : ", ") + json_number(values[i]);
  return text + "]";
}

template <class T>
std::string word_json(const Words<T>& words, T value) {
  return '"' + std::string(word_for(words, value)) + '"';
}

std::string stage_json(const PixelMambaStage& stage) {
  std::string text = "{\"dim\": " + std::to_string(stage.dim) + ", \"depth\": " + std::to_string(stage.depth) +
                     ", \"d_state\": " + std::to_string(stage.d_state) +
                     ", \"d_conv\": " + std::to_string(stage.d_conv) + ", \"expand\": " + std::to_string(stage.expand) +
                     ", \"dt_rank\": " + (stage.dt_rank == 0 ? "\"auto\"" : std::to_string(stage.dt_rank));
  if (stage.scan != ScanKind::kCross2d) {
    text += ", \"bidirectional\": " + word_json(kDirections, stage.bidirectional);
    text += std::string(", \"divide_out\": ") + (stage.divide_out ? "true" : "false");
  }
  text += ", \"backward_scope\": " + word_json(kScopes, stage.backward_scope) +
          ", \"scan\": " + word_json(kScans, stage.scan);
  if (stage.scan == ScanKind::kWindow) text += ", \"window\": " + std::to_string(stage.window);
  return text + ", \"mlp_ratio\": " + json_number(stage.mlp_ratio) + ", \"pos\": " + word_json(kPositions, stage.pos) +
         "}";
}

std::string merge_json(const PixelMambaConfig& config) {
  std::string text = "\"merge\": " + word_json(kMerges, config.merge);
  if (config.merge == MergeKind::kTome) {
    text += ", \"tome\": {\"keep\": " + json_number(config.tome_keep) +
            ", \"window\": " + std::to_string(config.tome_window) + "}";
  }
  return text;
}

}  // namespace

std::int64_t PixelMambaStage::mlp_hidden() const {
  return std::llround(mlp_ratio * static_cast<double>(dim));
}

GridSize PixelMambaConfig::merge_shape(std::size_t stage) const {
  const bool even = stage % 2 == 0;
  switch (merge) {
    case MergeKind::kConcat1x2:
      return even ? GridSize{1, 2} : GridSize{2, 1};
    case MergeKind::kConcat2x1:
      return even ? GridSize{2, 1} : GridSize{1, 2};
    case MergeKind::kTome:
      return {1, 1};
    default:
      return {2, 2};
  }
}

GridSize PixelMambaConfig::token_size_px(std::size_t stage) const {
  GridSize size{patch_px, patch_px};
  for (std::size_t s = 0; s < stage; ++s) {
    const GridSize shape = merge_shape(s);
    size.rows *= shape.rows;
    size.columns *= shape.columns;
  }
  return size;
}

std::int64_t PixelMambaConfig::token_px(std::size_t stage) const {
  const GridSize size = token_size_px(stage);
  return std::max(size.rows, size.columns);
}

GridSize PixelMambaConfig::region_grid(std::size_t stage) const {
  const GridSize size = token_size_px(stage);
  return {std::max<std::int64_t>(1, region_size_px / size.rows),
          std::max<std::int64_t>(1, region_size_px / size.columns)};
}

std::int64_t PixelMambaConfig::tokens_per_side(std::size_t stage) const {
  return region_grid(stage).columns;
}

bool PixelMambaConfig::is_global(std::size_t stage) const {
  const PixelMambaStage& s = stages[stage];
  const bool one_way = s.bidirectional == tokens::Bidirectional::kNone && s.scan == ScanKind::kSequence;
  return s.depth > 0 && !one_way && s.backward_scope == BackwardScope::kGlobal;
}

bool PixelMambaConfig::has_region_token(std::size_t stage) const {
  const PixelMambaStage& s = stages[stage];
  const bool in_regions =
      s.scan == ScanKind::kSequence || (s.scan == ScanKind::kWindow && s.backward_scope == BackwardScope::kRegion);
  return region_tokens && in_regions && !is_coarse(stage);
}

std::string pixel_mamba_json(const PixelMambaConfig& config) {
  std::string text =
      "{\"format\": \"pixel-mamba/1\", \"in_channels\": 3, \"input\": {\"mpp\": " + json_number(config.mpp) +
      ", \"mean\": " + triple_json(config.mean) + ", \"std\": " + triple_json(config.std) +
      ", \"tissue_mask\": " + word_json(kTissueRules, config.tissue) +
      ", \"min_tissue\": " + json_number(config.min_tissue) +
      "}, \"serialization\": {\"region_size\": " + std::to_string(config.region_size_px) +
      ", \"region_order\": " + word_json(kRegionOrders, config.region_order) +
      ", \"pixel_order\": " + word_json(kPixelOrders, config.pixel_order) +
      ", \"pad_value\": " + triple_json(config.pad_value) +
      ", \"region_tokens\": " + (config.region_tokens ? "true" : "false") +
      "}, \"stem\": {\"patch\": " + std::to_string(config.patch_px) + "}, \"stages\": [";
  for (std::size_t s = 0; s < config.stages.size(); ++s) text += (s == 0 ? "" : ", ") + stage_json(config.stages[s]);
  text += "], " + merge_json(config) + ", \"pool\": " + word_json(kPools, config.pool) +
          ", \"head\": {\"type\": " + word_json(kHeads, config.head) +
          ", \"outputs\": " + std::to_string(config.outputs) + ", \"labels\": [";
  for (std::size_t i = 0; i < config.labels.size(); ++i) text += (i == 0 ? "" : ", ") + json_string(config.labels[i]);
  return text + "]}}";
}

PixelMambaConfig pixel_mamba_preset(std::string_view name) {
  struct Preset {
    std::string_view name;
    std::array<std::int64_t, 6> dims, depths, states;
  };
  static constexpr Preset kPresets[] = {
      {"pm-nano", {8, 16, 32, 64, 128, 192}, {1, 1, 1, 2, 4, 2}, {4, 4, 8, 16, 16, 16}},
      {"pm-tiny", {16, 32, 64, 128, 256, 384}, {1, 1, 2, 2, 6, 2}, {8, 8, 16, 16, 16, 16}},
      {"pm-small", {16, 32, 64, 160, 320, 512}, {1, 1, 2, 2, 12, 3}, {8, 8, 16, 16, 16, 16}},
  };
  for (const Preset& preset : kPresets) {
    if (preset.name != name) continue;
    PixelMambaConfig config;
    for (std::size_t s = 0; s < preset.dims.size(); ++s) {
      const bool global = config.token_px(s) >= kGlobalFrom_px;
      config.stages.push_back({.dim = preset.dims[s],
                               .depth = preset.depths[s],
                               .d_state = preset.states[s],
                               .backward_scope = global ? BackwardScope::kGlobal : BackwardScope::kRegion});
    }
    return config;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "expected a preset called pm-nano, pm-tiny or pm-small, got \"" + std::string(name) + "\"");
}

std::string head_name(HeadKind head) {
  return std::string(word_for(kHeads, head));
}

}  // namespace histojet::models
