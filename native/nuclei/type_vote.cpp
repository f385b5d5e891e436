#include "nuclei/type_vote.hpp"

#include <algorithm>
#include <array>

namespace histojet::nuclei {

TypeVote vote(const std::uint8_t* types, std::int64_t width, std::span<const Run> runs) {
  std::array<std::int64_t, 256> counts{};
  std::int64_t area = 0;
  for (const Run& run : runs) {
    const std::uint8_t* row = types + run.row * width;
    for (std::int32_t x = run.start; x < run.end; ++x) ++counts[row[x]];
    area += run.end - run.start;
  }
  auto best = std::max_element(counts.begin(), counts.end());
  if (best == counts.begin()) {
    const auto second = std::max_element(counts.begin() + 1, counts.end());
    if (*second > 0) best = second;
  }
  return {static_cast<std::uint8_t>(best - counts.begin()),
          static_cast<float>(static_cast<double>(*best) / (static_cast<double>(area) + 1e-6))};
}

}  // namespace histojet::nuclei
