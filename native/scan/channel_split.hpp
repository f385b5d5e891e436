#pragma once

#include <cstdint>
#include <vector>

namespace histojet::scan {

/// Channels that kernels take together; ranges start at multiples of it from the start of their group.
constexpr std::int64_t kChannelBlock = 16;

/// Neighbouring channels of one group and one batch item.
struct ChannelRange {
  std::int64_t batch = 0;
  std::int64_t group = 0;
  std::int64_t first = 0;  ///< channel
  std::int64_t count = 0;
};

/// All channels of all batch items in ranges that keep `threads` threads busy, as long ones as that allows: long ranges
/// read memory in longer runs. Empty ranges are left out.
std::vector<ChannelRange> split_channels(std::int64_t batch, std::int64_t groups, std::int64_t channels, int threads);

/// The same in ranges of one block each.
std::vector<ChannelRange> channel_blocks(std::int64_t batch, std::int64_t groups, std::int64_t channels);

}  // namespace histojet::scan
