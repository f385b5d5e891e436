#pragma once

#include <cstdint>
#include <span>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// Agreement of two segmentations with HoverNet's definitions (spec section 10).
struct Scores {
  double dice = 0;
  double aji = 0;
  double aji_plus = 0;
  double dq = 0;
  double sq = 0;
  double pq = 0;
  double dice2 = 0;
  std::int64_t truth_count = 0;
  std::int64_t predicted_count = 0;
  std::int64_t matched = 0;
};

/// Two label images of `height` x `width`.
Scores score_labels(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted, std::int64_t height,
                    std::int64_t width);

/// Two lists of outlines of any extent, rasterised pixel by pixel at `pixel` (side of the counting grid in the lists'
/// units, 1 for exact level-0 pixels) without ever holding the whole area. Within each list nuclei must not overlap
/// (those that do are counted for both). `aji_plus` uses greedy pairing by falling IoU.
Scores score_outlines(const NucleusList& truth, const NucleusList& predicted, double pixel = 1);

}  // namespace histojet::nuclei
