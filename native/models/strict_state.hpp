#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weights/state_dict.hpp"

namespace histojet::models {

/// A state dict that remembers which of its tensors were fetched, so that a network can refuse a checkpoint that holds
/// more than it reads: such a file is of another network, and its maps would be wrong without a word. For one thread.
class StrictState final : public weights::StateDict {
 public:
  explicit StrictState(std::shared_ptr<const weights::StateDict> dict) : dict_(std::move(dict)) {}

  /// Names that end in one of `ignored` may be left over. @throws Error kUnsupportedFormat naming the first of the
  /// others, how many there are, and the network.
  void expect_all_read(const std::vector<std::string_view>& ignored, const std::string& network) const;

  const std::string& path() const override { return dict_->path(); }
  const std::string& format() const override { return dict_->format(); }
  const std::vector<std::string>& names() const override { return dict_->names(); }
  const Entry& entry(std::string_view name) const override { return dict_->entry(name); }
  bool contains(std::string_view name) const override { return dict_->contains(name); }
  Tensor get(std::string_view name) const override;
  const std::map<std::string, std::string>& metadata() const override { return dict_->metadata(); }
  std::string sha256() const override { return dict_->sha256(); }

 private:
  std::shared_ptr<const weights::StateDict> dict_;
  mutable std::set<std::string, std::less<>> read_;
};

}  // namespace histojet::models
