#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weights/state_dict.hpp"

namespace histojet::models {

/// A state dict some of whose tensors go by other names: checkpoints of older code bases seen with today's keys. Errors
/// name the keys of today.
class RenamedState final : public weights::StateDict {
 public:
  /// `names`: key of today to key in `dict`, for every tensor that should be seen; others are hidden.
  RenamedState(std::shared_ptr<const weights::StateDict> dict, std::map<std::string, std::string, std::less<>> names);

  const std::string& path() const override { return dict_->path(); }
  const std::string& format() const override { return dict_->format(); }
  const std::vector<std::string>& names() const override { return order_; }
  const Entry& entry(std::string_view name) const override { return dict_->entry(stored(name)); }
  bool contains(std::string_view name) const override { return names_.contains(name); }
  Tensor get(std::string_view name) const override { return dict_->get(stored(name)); }
  const std::map<std::string, std::string>& metadata() const override { return dict_->metadata(); }
  std::string sha256() const override { return dict_->sha256(); }

 private:
  /// The name in `dict_`; for an unknown name the name itself, of which `dict_` complains.
  std::string_view stored(std::string_view name) const;

  std::shared_ptr<const weights::StateDict> dict_;
  std::map<std::string, std::string, std::less<>> names_;
  std::vector<std::string> order_;
};

}  // namespace histojet::models
