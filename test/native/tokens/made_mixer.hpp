#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tokens/mamba_mixer.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {

/// A mixer with made weights: any sizes, values of a trained one's order.
class MadeMixer final : public weights::StateDict {
 public:
  explicit MadeMixer(const MambaConfig& config) {
    const std::int64_t e = config.inner(), n = config.d_state, r = config.rank();
    put("in_proj.weight", {2 * e, config.dim}, 1.0 / std::sqrt(config.dim));
    for (const std::string suffix : {"", "_b"}) {
      if (suffix == "_b" && config.bidirectional != Bidirectional::kV2) break;
      put("conv1d" + suffix + ".weight", {e, 1, config.d_conv}, 0.5);
      put("conv1d" + suffix + ".bias", {e}, 0.1);
      put("x_proj" + suffix + ".weight", {r + 2 * n, e}, 1.0 / std::sqrt(e));
      put("dt_proj" + suffix + ".weight", {e, r}, 1.0 / std::sqrt(r));
      put("dt_proj" + suffix + ".bias", {e}, 1, -3);
      put("D" + suffix, {e}, 0.2, 1);
    }
    put("A_log", {e, n}, 1, 1);
    if (config.bidirectional != Bidirectional::kNone) put("A_b_log", {e, n}, 1, 1);
    put("out_proj.weight", {config.dim, e}, 1.0 / std::sqrt(e));
    put("out_proj.bias", {config.dim}, 0.3);
  }
  const std::string& path() const override { return path_; }
  const std::string& format() const override { return path_; }
  const std::vector<std::string>& names() const override { return names_; }
  const Entry& entry(std::string_view name) const override {
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end()) throw Error(ErrorCode::kMissingWeight, "no tensor '" + std::string(name) + "'");
    return found->second;
  }
  bool contains(std::string_view name) const override { return entries_.contains(std::string(name)); }
  Tensor get(std::string_view name) const override { return tensors_.at(std::string(name)); }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string sha256() const override { return ""; }

 private:
  void put(const std::string& name, const Shape& shape, double scale, double offset = 0) {
    std::normal_distribution<float> normal;
    Tensor tensor(DType::kF32, shape);
    for (float& value : tensor.values<float>()) value = static_cast<float>(offset + scale * normal(random_));
    names_.push_back(name);
    entries_[name] = {DType::kF32, shape};
    tensors_[name] = tensor;
  }

  std::mt19937 random_{7};
  std::string path_ = "made";
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace histojet::tokens
