#include "models/renamed_state.hpp"

#include <utility>

namespace histojet::models {

RenamedState::RenamedState(std::shared_ptr<const weights::StateDict> dict,
                           std::map<std::string, std::string, std::less<>> names)
    : dict_(std::move(dict)), names_(std::move(names)) {
  for (const auto& [name, old] : names_) order_.push_back(name);
}

std::string_view RenamedState::stored(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? name : std::string_view(found->second);
}

}  // namespace histojet::models
