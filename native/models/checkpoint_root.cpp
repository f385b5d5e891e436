#include "models/checkpoint_root.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace histojet::models {

weights::WeightScope checkpoint_root(std::shared_ptr<const weights::StateDict> dict,
                                     std::initializer_list<std::string_view> wrappers) {
  std::string prefix;
  for (const std::string_view wrapper : wrappers) {
    const std::string longer = prefix + std::string(wrapper);
    const bool shared = !dict->names().empty() && std::ranges::all_of(dict->names(), [&](const std::string& name) {
      return name.starts_with(longer);
    });
    if (shared) prefix = longer;
  }
  if (!prefix.empty()) prefix.pop_back();
  return weights::WeightScope(std::move(dict), prefix);
}

}  // namespace histojet::models
