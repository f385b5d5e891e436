#include "merging/sides.hpp"

#include <algorithm>

namespace histojet::merging {

void Outcome::sort_by_first_member() {
  std::vector<std::int32_t> sorted;
  std::vector<bool> seen(head_of_.size());
  for (const std::int32_t head : head_of_) {
    if (!seen[static_cast<std::size_t>(head)]) sorted.push_back(head);
    seen[static_cast<std::size_t>(head)] = true;
  }
  heads_ = std::move(sorted);
}

std::int32_t Outcome::write_owners(std::int32_t* owner, std::int32_t first_output) const {
  std::vector<std::int32_t> output_of(head_of_.size());
  for (const std::int32_t head : heads_) output_of[static_cast<std::size_t>(head)] = first_output++;
  std::transform(head_of_.begin(), head_of_.end(), owner,
                 [&](std::int32_t head) { return output_of[static_cast<std::size_t>(head)]; });
  return first_output;
}

}  // namespace histojet::merging
