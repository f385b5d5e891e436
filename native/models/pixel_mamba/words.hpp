#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/pixel_mamba/config.hpp"

namespace histojet::models {

// The words and limits of the configuration `pixel-mamba/1`, for reading and writing it.

/// Words with their meanings; the first word of a meaning is the one that is written.
template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;

inline const Words<TissueRule> kTissueRules{
    {"none", TissueRule::kNone}, {"otsu", TissueRule::kOtsu}, {"provided", TissueRule::kProvided}};
inline const Words<tokens::RegionOrder> kRegionOrders{{"snake", tokens::RegionOrder::kSnake},
                                                      {"raster", tokens::RegionOrder::kRaster}};
inline const Words<tokens::PixelOrder> kPixelOrders{{"zorder", tokens::PixelOrder::kZorder},
                                                    {"hilbert", tokens::PixelOrder::kHilbert},
                                                    {"raster", tokens::PixelOrder::kRaster},
                                                    {"snake", tokens::PixelOrder::kSnake}};
inline const Words<tokens::Bidirectional> kDirections{
    {"none", tokens::Bidirectional::kNone}, {"v1", tokens::Bidirectional::kV1}, {"v2", tokens::Bidirectional::kV2}};
inline const Words<BackwardScope> kScopes{{"region", BackwardScope::kRegion}, {"global", BackwardScope::kGlobal}};
inline const Words<MergeKind> kMerges{{"concat2x2", MergeKind::kConcat2x2}, {"average2x2", MergeKind::kAverage2x2},
                                      {"conv2x2", MergeKind::kConv2x2},     {"concat1x2", MergeKind::kConcat1x2},
                                      {"concat2x1", MergeKind::kConcat2x1}, {"tome", MergeKind::kTome}};
inline const Words<ScanKind> kScans{{"sequence", ScanKind::kSequence},
                                    {"window", ScanKind::kWindow},
                                    {"cross2d", ScanKind::kCross2d},
                                    {"scan2d", ScanKind::kScan2d}};
inline const Words<PositionKind> kPositions{{"none", PositionKind::kNone}, {"sincos2d", PositionKind::kSincos2d}};
inline const Words<PoolKind> kPools{{"mean", PoolKind::kMean},
                                    {"last", PoolKind::kLast},
                                    {"attention", PoolKind::kAttention},
                                    {"middle_cls", PoolKind::kMiddle},
                                    {"middle", PoolKind::kMiddle}};
inline const Words<HeadKind> kHeads{{"classification", HeadKind::kClassification},
                                    {"ordinal", HeadKind::kOrdinal},
                                    {"survival_discrete", HeadKind::kSurvivalDiscrete},
                                    {"cox", HeadKind::kCox},
                                    {"regression", HeadKind::kRegression}};

/// Sides and widths beyond these are mistakes or attacks: they bound what one region takes.
inline constexpr std::int64_t kLargestRegion_px = 2048;
inline constexpr std::int64_t kLargestDim = 8192;
inline constexpr std::int64_t kLargestDepth = 256;
inline constexpr std::int64_t kLargestState = 1024;
inline constexpr std::int64_t kLargestConvolution = 64;
inline constexpr std::int64_t kLargestExpand = 16;
inline constexpr double kLargestMlpRatio = 64;
/// Each window costs some memory besides its tokens.
inline constexpr std::int64_t kLeastTomeWindow = 8;
inline constexpr std::int64_t kLargestTomeWindow = 4096;
inline constexpr double kLeastTomeKeep = 0.5;
inline constexpr std::size_t kMostStages = 16;
/// Stages with tokens of this side or more look back over the whole picture unless told otherwise.
inline constexpr std::int64_t kGlobalFrom_px = 8;

template <class T>
std::optional<T> meaning(const Words<T>& words, std::string_view word) {
  for (const auto& [text, value] : words) {
    if (text == word) return value;
  }
  return std::nullopt;
}

template <class T>
std::string_view word_for(const Words<T>& words, T value) {
  for (const auto& [text, meant] : words) {
    if (meant == value) return text;
  }
  return "";
}

/// `one of "a", "b"`
template <class T>
std::string one_of(const Words<T>& words) {
  std::string text = "one of";
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? " \"" : ", \"") + std::string(words[i].first) + '"';
  }
  return text;
}

}  // namespace histojet::models
