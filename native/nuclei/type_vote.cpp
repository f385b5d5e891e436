#include "nuclei/type_vote.hpp"

#include <algorithm>
#include <array>

namespace histojet::nuclei {

TypeVote vote(const std::uint8_t* types, std::int64_t width, std::span<const Run> runs) {
  // Neighbours are mostly of one class: in one table each count would wait for the one before it.
  std::array<std::array<std::int32_t, 256>, 4> tables{};
  std::int64_t area = 0;
  for (const Run& run : runs) {
    const std::uint8_t* row = types + run.row * width;
    std::int32_t x = run.start;
    for (; x + 4 <= run.end; x += 4) {
      for (std::int32_t k = 0; k < 4; ++k) ++tables[k][row[x + k]];
    }
    for (; x < run.end; ++x) ++tables[0][row[x]];
    area += run.end - run.start;
  }
  std::array<std::int64_t, 256> counts;
  for (std::size_t type = 0; type < counts.size(); ++type) {
    counts[type] = std::int64_t{tables[0][type]} + tables[1][type] + tables[2][type] + tables[3][type];
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
