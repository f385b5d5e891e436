#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "weights/state_dict.hpp"

namespace histojet::test {

/// A state dict that lives in memory, for networks with computed weights.
class MemoryDict final : public weights::StateDict {
 public:
  void set(const std::string& name, Tensor tensor) {
    if (!entries_.contains(name)) names_.push_back(name);
    entries_[name] = {tensor.dtype(), tensor.shape()};
    tensors_[name] = std::move(tensor);
  }
  void remove(const std::string& name) {
    std::erase(names_, name);
    entries_.erase(name);
  }
  std::map<std::string, std::string>& metadata() { return metadata_; }

  const std::string& path() const override { return path_; }
  const std::string& format() const override { return format_; }
  const std::vector<std::string>& names() const override { return names_; }
  const Entry& entry(std::string_view name) const override {
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end())
      throw Error(ErrorCode::kMissingWeight, "memory: no tensor '" + std::string(name) + "'");
    return found->second;
  }
  bool contains(std::string_view name) const override { return entries_.contains(std::string(name)); }
  Tensor get(std::string_view name) const override {
    entry(name);
    return tensors_.at(std::string(name));
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string sha256() const override { return "sha256:"; }

 private:
  std::string path_ = "memory";
  std::string format_ = "memory";
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace histojet::test
