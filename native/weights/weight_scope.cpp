#include "base/error.hpp"
#include "weights/state_dict.hpp"

namespace histojet::weights {

WeightScope WeightScope::scope(std::string_view name) const {
  return WeightScope(dict_, full_name(name));
}

std::string WeightScope::full_name(std::string_view name) const {
  if (prefix_.empty()) return std::string(name);
  if (name.empty()) return prefix_;
  return prefix_.ends_with('.') ? prefix_ + std::string(name) : prefix_ + "." + std::string(name);
}

bool WeightScope::has(std::string_view name) const {
  return dict_->contains(full_name(name));
}

Tensor WeightScope::f32(std::string_view name, const Shape& expected) const {
  const std::string key = full_name(name);
  const StateDict::Entry& entry = dict_->entry(key);
  if (entry.shape != expected) {
    throw Error(ErrorCode::kShapeMismatch, dict_->path() + ": tensor '" + key + "' has shape " +
                                               shape_text(entry.shape) + ", the model expects " + shape_text(expected));
  }
  return dict_->get(key).to_f32();
}

}  // namespace histojet::weights
