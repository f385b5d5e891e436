#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.hpp"
#include "base/json_value.hpp"
#include "models/pixel_mamba/config.hpp"
#include "models/pixel_mamba/words.hpp"

namespace histojet::models {
namespace {

/// Values of one region's tokens that a stage may have: 1 GiB as float32.
constexpr std::int64_t kMostRegionValues = std::int64_t{1} << 28;

/// Likewise where a stage scans a grid, whose values all lie in memory, several times over.
constexpr std::int64_t kMostGridValues = std::int64_t{1} << 24;

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
    const GridSize token = config.token_size_px(s);
    for (const std::int64_t side : {token.rows, token.columns}) {
      const bool tiles = side > region ? side % region == 0 : region % side == 0;
      if (tiles) continue;
      refuse(where, "serialization.region_size",
             "a multiple of " + std::to_string(side) + " px, the side of a token of stage " + std::to_string(s),
             std::to_string(region));
    }
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
    within(stage_path(s, "window"), stage.window, 1, kLargestRegion_px);
    if (!(stage.mlp_ratio >= 0 && stage.mlp_ratio <= kLargestMlpRatio)) {
      refuse(where, stage_path(s, "mlp_ratio"), "a number from 0 to " + json_number(kLargestMlpRatio),
             json_number(stage.mlp_ratio));
    }
  }
  if (!(config.tome_keep >= kLeastTomeKeep && config.tome_keep <= 1)) {
    refuse(where, "tome.keep", "a number from 0.5 to 1", json_number(config.tome_keep));
  }
  within("tome.window", config.tome_window, kLeastTomeWindow, kLargestTomeWindow);
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

/// What a stage's options ask of the stage and of the others.
void check_stage(const PixelMambaConfig& config, std::size_t s, const std::string& where) {
  const PixelMambaStage& stage = config.stages[s];
  const std::int64_t most = stage.scans_grid() ? kMostGridValues : kMostRegionValues;
  const std::int64_t inner = stage.dim * stage.expand, tokens = config.region_grid(s).cells();
  if (tokens > most / inner) {
    refuse(where, "serialization.region_size",
           "at most 2^" + std::to_string(std::countr_zero(static_cast<std::uint64_t>(most))) +
               " values in one region of stage " + std::to_string(s),
           std::to_string(tokens) + " tokens of " + std::to_string(inner) + " channels");
  }
  if (stage.scan == ScanKind::kCross2d && stage.d_conv != 3 && stage.d_conv != 5 && stage.d_conv != 7) {
    refuse(where, stage_path(s, "d_conv"), "3, 5 or 7 for scan \"cross2d\"", std::to_string(stage.d_conv));
  }
  if (stage.scan == ScanKind::kScan2d && stage.bidirectional == tokens::Bidirectional::kV1) {
    refuse(where, stage_path(s, "bidirectional"), "\"none\" or \"v2\" for scan \"scan2d\"", "\"v1\"");
  }
  if (stage.mlp_ratio > 0 && stage.mlp_hidden() < 1) {
    refuse(where, stage_path(s, "mlp_ratio"), "0, or a number that gives at least one hidden value",
           json_number(stage.mlp_ratio));
  }
  const bool positions = stage.pos == PositionKind::kSincos2d;
  if (positions && stage.dim % 4 != 0) {
    refuse(where, stage_path(s, "dim"), "a multiple of 4 for pos \"sincos2d\"", std::to_string(stage.dim));
  }
  if (config.has_places(s)) return;
  // Tokens that merged by similarity lie scattered over the region.
  if (positions) refuse(where, stage_path(s, "pos"), "\"none\" behind a merge \"tome\"", "\"sincos2d\"");
  if (stage.scan != ScanKind::kSequence) {
    refuse(where, stage_path(s, "scan"), "\"sequence\" behind a merge \"tome\"",
           '"' + std::string(word_for(kScans, stage.scan)) + '"');
  }
}

}  // namespace

void check_pixel_mamba(const PixelMambaConfig& config, const std::string& where) {
  check_ranges(config, where);
  check_sides(config, where);
  for (std::size_t s = 0; s < config.stages.size(); ++s) check_stage(config, s, where);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::string index = "[" + std::to_string(c) + "]";
    if (!(config.std[c] > 0)) refuse(where, "input.std" + index, "a number above 0", json_number(config.std[c]));
    if (!std::isfinite(config.mean[c])) refuse(where, "input.mean" + index, "a number", "none");
    if (!std::isfinite(config.pad_value[c])) refuse(where, "serialization.pad_value" + index, "a number", "none");
  }
  // Which token is the middle one would be known only after all of them.
  if (config.merge == MergeKind::kTome && config.pool == PoolKind::kMiddle) {
    refuse(where, "pool", "\"mean\", \"last\" or \"attention\" with merge \"tome\"", "\"middle_cls\"");
  }
  check_head(config, where);
}

void check_rollout(const PixelMambaConfig& config, const std::string& where) {
  const auto unsupported = [&](const std::string& path, std::string_view word) {
    throw Error(ErrorCode::kUnsupportedFormat, where + ": " + path + ": roll-out does not follow \"" +
                                                   std::string(word) + "\"; occlusion explains every configuration");
  };
  const GridSize shape = config.merge_shape(0);
  const bool squares = config.stages.size() == 1 || (shape.rows == 2 && shape.columns == 2);
  if (!squares) unsupported("merge", word_for(kMerges, config.merge));
  if (config.region_tokens) unsupported("serialization.region_tokens", "true");
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const ScanKind scan = config.stages[s].scan;
    if (scan != ScanKind::kSequence) unsupported(stage_path(s, "scan"), word_for(kScans, scan));
  }
}

}  // namespace histojet::models
