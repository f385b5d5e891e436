#pragma once

#include <cmath>
#include <memory>
#include <string>

#include "formula_dict.hpp"
#include "models/pixel_mamba/config.hpp"

namespace histojet::test {

/// The keys of Pixel-Mamba in one configuration with computed weights, written down independently of the network's
/// loader. Values lie as in a trained network: A near -(n + 1), steps of 0.002 to 0.1, projections that keep variances.
class PixelMambaDictBuilder {
 public:
  PixelMambaDictBuilder(MemoryDict& dict, const models::PixelMambaConfig& config) : dict_(dict), config_(config) {}

  bool gated = true;  ///< whether the scans in four orders have a gate

  void build() {
    const auto& stages = config_.stages;
    matrix("stem.proj.weight", {stages[0].dim, 3 * config_.patch_px * config_.patch_px});
    around("stem.proj.bias", {stages[0].dim}, 0, 0.1);
    for (std::size_t s = 0; s < stages.size(); ++s) {
      const std::string prefix = "stages." + std::to_string(s) + ".";
      for (std::int64_t b = 0; b < stages[s].depth; ++b) {
        const std::string block = prefix + "blocks." + std::to_string(b) + ".";
        around(block + "norm.weight", {stages[s].dim}, 1, 0.2);
        if (stages[s].scan == models::ScanKind::kCross2d) {
          cross(block + "mixer.", stages[s]);
        } else {
          mixer(block + "mixer.", stages[s]);
        }
        if (stages[s].mlp_ratio > 0) mlp(block, stages[s]);
      }
      if (s + 1 < stages.size()) merge(prefix + "merge.", stages[s].dim, stages[s + 1].dim);
    }
    const std::int64_t dim = stages.back().dim;
    around("norm_f.weight", {dim}, 1, 0.2);
    if (config_.pool == models::PoolKind::kAttention) {
      matrix("pool.attn.0.weight", {dim / 2, dim});
      around("pool.attn.0.bias", {dim / 2}, 0, 0.1);
      matrix("pool.attn.2.weight", {1, dim / 2});
      around("pool.attn.2.bias", {1}, 0, 0.1);
    }
    matrix("head.weight", {config_.outputs, dim});
    around("head.bias", {config_.outputs}, 0, 0.1);
    dict_.metadata()["config"] = models::pixel_mamba_json(config_);
  }

 private:
  template <class Value>
  void set(const std::string& key, const Shape& shape, const Value& value) {
    std::uint32_t seed = 0x811C9DC5u;
    for (const char c : key) seed = (seed ^ static_cast<std::uint8_t>(c)) * 0x01000193u;
    Tensor tensor(DType::kF32, shape);
    const std::span<float> values = tensor.values<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(value(formula_unit(seed, static_cast<std::uint32_t>(i)), i));
    }
    dict_.set(key, std::move(tensor));
  }
  void around(const std::string& key, const Shape& shape, double center, double reach) {
    set(key, shape, [&](double unit, std::size_t) { return center + reach * unit; });
  }
  void matrix(const std::string& key, const Shape& shape) {
    const double reach = std::sqrt(3.0 / static_cast<double>(element_count(shape) / shape[0]));
    around(key, shape, 0, reach);
  }

  void branch(const std::string& prefix, const std::string& suffix, const models::PixelMambaStage& stage) {
    const std::int64_t inner = stage.expand * stage.dim, states = stage.d_state;
    const std::int64_t rank = stage.dt_rank > 0 ? stage.dt_rank : (stage.dim + 15) / 16;
    matrix(prefix + "conv1d" + suffix + ".weight", {inner, 1, stage.d_conv});
    around(prefix + "conv1d" + suffix + ".bias", {inner}, 0, 0.1);
    matrix(prefix + "x_proj" + suffix + ".weight", {rank + 2 * states, inner});
    matrix(prefix + "dt_proj" + suffix + ".weight", {inner, rank});
    around(prefix + "dt_proj" + suffix + ".bias", {inner}, -4, 2);
    decay(prefix + (suffix.empty() ? "A_log" : "A_b_log"), inner, states);
    around(prefix + "D" + suffix, {inner}, 1, 0.3);
  }
  void decay(const std::string& key, std::int64_t inner, std::int64_t states) {
    set(key, {inner, states}, [&](double unit, std::size_t i) {
      return std::log(static_cast<double>(static_cast<std::int64_t>(i) % states + 1)) + 0.2 * unit;
    });
  }
  void mixer(const std::string& prefix, const models::PixelMambaStage& stage) {
    const std::int64_t inner = stage.expand * stage.dim;
    matrix(prefix + "in_proj.weight", {2 * inner, stage.dim});
    matrix(prefix + "out_proj.weight", {stage.dim, inner});
    branch(prefix, "", stage);
    if (stage.bidirectional == tokens::Bidirectional::kV1) decay(prefix + "A_b_log", inner, stage.d_state);
    if (stage.bidirectional == tokens::Bidirectional::kV2) branch(prefix, "_b", stage);
  }
  /// SS2D with a gate.
  void cross(const std::string& prefix, const models::PixelMambaStage& stage) {
    const std::int64_t inner = stage.expand * stage.dim, states = stage.d_state;
    const std::int64_t rank = stage.dt_rank > 0 ? stage.dt_rank : (stage.dim + 15) / 16;
    matrix(prefix + "in_proj.weight", {(gated ? 2 : 1) * inner, stage.dim});
    matrix(prefix + "conv2d.weight", {inner, 1, stage.d_conv, stage.d_conv});
    around(prefix + "conv2d.bias", {inner}, 0, 0.1);
    const double reach = std::sqrt(3.0 / static_cast<double>(inner));
    around(prefix + "x_proj_weight", {4, rank + 2 * states, inner}, 0, reach);
    around(prefix + "dt_projs_weight", {4, inner, rank}, 0, std::sqrt(3.0 / static_cast<double>(rank)));
    around(prefix + "dt_projs_bias", {4, inner}, -4, 2);
    decay(prefix + "A_logs", 4 * inner, states);
    around(prefix + "Ds", {4 * inner}, 1, 0.3);
    around(prefix + "out_norm.weight", {inner}, 1, 0.2);
    around(prefix + "out_norm.bias", {inner}, 0, 0.1);
    matrix(prefix + "out_proj.weight", {stage.dim, inner});
  }
  void mlp(const std::string& prefix, const models::PixelMambaStage& stage) {
    around(prefix + "norm2.weight", {stage.dim}, 1, 0.2);
    matrix(prefix + "mlp.fc1.weight", {stage.mlp_hidden(), stage.dim});
    around(prefix + "mlp.fc1.bias", {stage.mlp_hidden()}, 0, 0.1);
    matrix(prefix + "mlp.fc2.weight", {stage.dim, stage.mlp_hidden()});
    around(prefix + "mlp.fc2.bias", {stage.dim}, 0, 0.1);
  }
  void merge(const std::string& prefix, std::int64_t in, std::int64_t out) {
    using models::MergeKind;
    const bool pairs = config_.merge == MergeKind::kConcat1x2 || config_.merge == MergeKind::kConcat2x1;
    const bool concatenated = config_.merge == MergeKind::kConcat2x2 || pairs;
    const std::int64_t values = (pairs ? 2 : 4) * in;
    if (concatenated || config_.merge == MergeKind::kConv2x2) {
      around(prefix + "norm.weight", {concatenated ? values : out}, 1, 0.2);
      around(prefix + "norm.bias", {concatenated ? values : out}, 0, 0.1);
    }
    matrix(prefix + "reduction.weight", config_.merge == MergeKind::kConv2x2 ? Shape{out, in, 2, 2}
                                        : concatenated                       ? Shape{out, values}
                                                                             : Shape{out, in});
  }

  MemoryDict& dict_;
  const models::PixelMambaConfig& config_;
};

inline std::shared_ptr<MemoryDict> pixel_mamba_dict(const models::PixelMambaConfig& config) {
  auto dict = std::make_shared<MemoryDict>();
  PixelMambaDictBuilder(*dict, config).build();
  return dict;
}

}  // namespace histojet::test
