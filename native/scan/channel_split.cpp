#include "scan/channel_split.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace histojet::scan {

namespace {

// Idle time that is not worth shorter ranges.
constexpr double kGoodUse = 0.9;

/// Blocks of one range: the most with which the threads are busy nearly all the time.
std::int64_t choose_blocks(std::int64_t sequences, std::int64_t blocks, std::int64_t threads) {
  std::int64_t best = blocks;
  double best_use = 0;
  for (std::int64_t pieces = 1; pieces <= blocks; ++pieces) {
    const std::int64_t length = ceil_div(blocks, pieces);
    const std::int64_t rounds = ceil_div(sequences * ceil_div(blocks, length), threads);
    const double use = static_cast<double>(sequences * blocks) / static_cast<double>(rounds * length * threads);
    if (use <= best_use) continue;
    best = length;
    best_use = use;
    if (use >= kGoodUse) break;
  }
  return best;
}

std::vector<ChannelRange> ranges_of(std::int64_t batch, std::int64_t groups, std::int64_t channels,
                                    std::int64_t blocks) {
  std::vector<ChannelRange> ranges;
  const std::int64_t width = channels / groups, step = blocks * kChannelBlock;
  for (std::int64_t item = 0; item < batch; ++item) {
    for (std::int64_t group = 0; group < groups; ++group) {
      for (std::int64_t first = 0; first < width; first += step) {
        ranges.push_back({item, group, group * width + first, std::min(step, width - first)});
      }
    }
  }
  return ranges;
}

}  // namespace

std::vector<ChannelRange> split_channels(std::int64_t batch, std::int64_t groups, std::int64_t channels, int threads) {
  if (batch * channels == 0) return {};
  const std::int64_t blocks = choose_blocks(batch * groups, ceil_div(channels / groups, kChannelBlock), threads);
  return ranges_of(batch, groups, channels, blocks);
}

std::vector<ChannelRange> channel_blocks(std::int64_t batch, std::int64_t groups, std::int64_t channels) {
  return ranges_of(batch, groups, channels, 1);
}

}  // namespace histojet::scan
