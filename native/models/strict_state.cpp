#include "models/strict_state.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace histojet::models {

Tensor StrictState::get(std::string_view name) const {
  read_.emplace(name);
  return dict_->get(name);
}

void StrictState::expect_all_read(const std::vector<std::string_view>& ignored, const std::string& network) const {
  const auto left_over = [&](const std::string& name) {
    return !read_.contains(name) &&
           std::ranges::none_of(ignored, [&](std::string_view end) { return name.ends_with(end); });
  };
  const auto first = std::ranges::find_if(names(), left_over);
  if (first == names().end()) return;
  const auto more = std::count_if(first + 1, names().end(), left_over);
  throw Error(ErrorCode::kUnsupportedFormat, path() + ": tensor '" + *first + "'" +
                                                 (more > 0 ? " and " + std::to_string(more) + " more are" : " is") +
                                                 " no part of " + network);
}

}  // namespace histojet::models
