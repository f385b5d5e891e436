#include "models/pixel_mamba_config.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.hpp"
#include "base/json_value.hpp"
#include "models/pixel_mamba_words.hpp"

namespace histojet::models {
namespace {

/// Values of one region's tokens that a stage may have: 1 GiB as float32.
constexpr std::int64_t kMostRegionValues = std::int64_t{1} << 28;

[[noreturn]] void refuse(const std::string& where, const std::string& path, const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::kInvalidArgument, where + ": " + path + ": expected " + expected + ", got " + found);
}

std::string stage_path(std::size_t stage, const std::string& name) {
  return "stages[" + std::to_string(stage) + "]." + name;
}

/// Tokens of every stage must tile a region, or be tiled by regions.
void check_sides(const PixelMambaConfig& config, const std::string& where) {
  const std::int64_t region = config.region_size_px;
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const std::int64_t token = config.token_px(s);
    const bool tiles = config.is_coarse(s) ? token % region == 0 : region % token == 0;
    if (tiles) continue;
    refuse(where, "serialization.region_size",
           "a multiple of " + std::to_string(token) + " px, the side of a token of stage " + std::to_string(s),
           std::to_string(region));
  }
  const bool powers = std::has_single_bit(static_cast<std::uint64_t>(region / config.patch_px));
  if (tokens::is_hierarchical(config.pixel_order) && !powers) {
    refuse(where, "serialization.region_size",
           "a power of two times stem.patch for pixel_order \"" +
               std::string(word_for(kPixelOrders, config.pixel_order)) + "\"",
           std::to_string(region));
  }
}

void check_ranges(const PixelMambaConfig& config, const std::string& where) {
  const auto within = [&](const std::string& path, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value >= low && value <= high) return;
    refuse(where, path, "an integer from " + std::to_string(low) + " to " + std::to_string(high),
           std::to_string(value));
  };
  within("serialization.region_size", config.region_size_px, 1, kLargestRegion_px);
  within("stem.patch", config.patch_px, 1, kLargestRegion_px);
  if (config.stages.empty() || config.stages.size() > kMostStages) {
    refuse(where, "stages", "1 to " + std::to_string(kMostStages) + " stages", std::to_string(config.stages.size()));
  }
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const PixelMambaStage& stage = config.stages[s];
    within(stage_path(s, "dim"), stage.dim, 1, kLargestDim);
    within(stage_path(s, "depth"), stage.depth, 0, kLargestDepth);
    within(stage_path(s, "d_state"), stage.d_state, 1, kLargestState);
    within(stage_path(s, "d_conv"), stage.d_conv, 1, kLargestConvolution);
    within(stage_path(s, "expand"), stage.expand, 1, kLargestExpand);
    within(stage_path(s, "dt_rank"), stage.dt_rank, 0, kLargestDim);
  }
  within("head.outputs", config.outputs, 1, kLargestDim);
}

void check_head(const PixelMambaConfig& config, const std::string& where) {
  if (config.head == HeadKind::kCox && config.outputs != 1) {
    refuse(where, "head.outputs", "1 for a head of type \"cox\"", std::to_string(config.outputs));
  }
  const bool ordinal = config.head == HeadKind::kOrdinal;
  const auto expected = static_cast<std::size_t>(config.outputs + (ordinal ? 1 : 0));
  if (!config.labels.empty() && config.labels.size() != expected) {
    refuse(where, "head.labels", std::to_string(expected) + " labels", std::to_string(config.labels.size()));
  }
}

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
  return "{\"dim\": " + std::to_string(stage.dim) + ", \"depth\": " + std::to_string(stage.depth) +
         ", \"d_state\": " + std::to_string(stage.d_state) + ", \"d_conv\": " + std::to_string(stage.d_conv) +
         ", \"expand\": " + std::to_string(stage.expand) +
         ", \"dt_rank\": " + (stage.dt_rank == 0 ? "\"auto\"" : std::to_string(stage.dt_rank)) +
         ", \"bidirectional\": " + word_json(kDirections, stage.bidirectional) +
         ", \"backward_scope\": " + word_json(kScopes, stage.backward_scope) +
         ", \"divide_out\": " + (stage.divide_out ? "true" : "false") + ", \"scan\": \"sequence\", \"mlp_ratio\": 0}";
}

}  // namespace

std::int64_t PixelMambaConfig::tokens_per_side(std::size_t stage) const {
  return std::max<std::int64_t>(1, region_size_px / token_px(stage));
}

bool PixelMambaConfig::is_global(std::size_t stage) const {
  const PixelMambaStage& s = stages[stage];
  return s.depth > 0 && s.bidirectional != tokens::Bidirectional::kNone && s.backward_scope == BackwardScope::kGlobal;
}

void check_pixel_mamba(const PixelMambaConfig& config, const std::string& where) {
  check_ranges(config, where);
  check_sides(config, where);
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const std::int64_t side = config.tokens_per_side(s);
    const std::int64_t inner = config.stages[s].dim * config.stages[s].expand;
    if (side * side <= kMostRegionValues / inner) continue;
    refuse(where, "serialization.region_size", "at most 2^28 values in one region of stage " + std::to_string(s),
           std::to_string(side) + " x " + std::to_string(side) + " tokens of " + std::to_string(inner) + " channels");
  }
  for (std::size_t c = 0; c < 3; ++c) {
    const std::string index = "[" + std::to_string(c) + "]";
    if (!(config.std[c] > 0)) refuse(where, "input.std" + index, "a number above 0", json_number(config.std[c]));
    if (!std::isfinite(config.mean[c])) refuse(where, "input.mean" + index, "a number", "none");
    if (!std::isfinite(config.pad_value[c])) refuse(where, "serialization.pad_value" + index, "a number", "none");
  }
  check_head(config, where);
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
      "}, \"stem\": {\"patch\": " + std::to_string(config.patch_px) + "}, \"stages\": [";
  for (std::size_t s = 0; s < config.stages.size(); ++s) text += (s == 0 ? "" : ", ") + stage_json(config.stages[s]);
  text += "], \"merge\": " + word_json(kMerges, config.merge) + ", \"pool\": " + word_json(kPools, config.pool) +
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
