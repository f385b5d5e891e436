#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include "memory_dict.hpp"
#include "models/hoverfast.hpp"

namespace histojet::test {

/// Element i of a tensor with computed weights, in [-1, 1): a hash of the key and the index, the same in any language.
inline double formula_unit(std::uint32_t seed, std::uint32_t i) {
  std::uint32_t h = i * 0x9E3779B1u + seed;
  h ^= h >> 16;
  h *= 0x85EBCA6Bu;
  h ^= h >> 13;
  h *= 0xC2B2AE35u;
  h ^= h >> 16;
  return static_cast<double>(h >> 8) / (1 << 23) - 1.0;
}

/// Scale and offset by the kind of tensor: weights as in a uniform He initialisation, statistics near one and zero.
inline Tensor formula_tensor(const std::string& key, const Shape& shape, double gain = 1.2) {
  std::uint32_t seed = 0x811C9DC5u;
  for (const char c : key) seed = (seed ^ static_cast<std::uint8_t>(c)) * 0x01000193u;
  double scale = 0.25;
  double offset = 0.0;
  if (shape.size() == 4) {
    const std::int64_t fan_in = key.ends_with(".up.weight") ? shape[0] : shape[1] * shape[2] * shape[3];
    scale = gain * std::sqrt(3.0 / static_cast<double>(fan_in));
  } else if (key.ends_with("running_var")) {
    scale = 0.5;
    offset = 1.0;
  } else if (key.ends_with(".weight")) {
    offset = 1.0;
  }
  Tensor tensor(DType::kF32, shape);
  const std::span<float> values = tensor.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(offset + scale * formula_unit(seed, static_cast<std::uint32_t>(i)));
  }
  return tensor;
}

/// The keys of HoverFast in one configuration, written down independently of the network's builder.
class FormulaDictBuilder {
 public:
  FormulaDictBuilder(MemoryDict& dict, const models::HoverFastConfig& config) : dict_(dict), config_(config) {}

  void build() {
    std::int64_t in = config_.in_channels;
    for (std::int64_t level = 0; level < config_.depth; ++level) {
      block("down_path." + std::to_string(level), in, config_.channels(level));
      in = config_.channels(level);
    }
    for (const std::string path : {"up_path", "up_path_m"}) {
      for (std::int64_t step = 0; step < config_.depth - 1; ++step) {
        const std::int64_t out = config_.channels(config_.depth - 2 - step);
        const std::string prefix = path + "." + std::to_string(step);
        if (config_.up_mode == layers::UpMode::kUpsample) {
          conv(prefix + ".up.1", {out, 2 * out, 1, 1}, out);
        } else {
          conv(prefix + ".up", {2 * out, out, 2, 2}, out);
        }
        block(prefix + ".conv_block", 2 * out, out);
      }
    }
    conv("last", {config_.n_classes, config_.channels(0), 1, 1}, config_.n_classes);
    conv("last_m", {2, config_.channels(0), 1, 1}, 2);
  }

 private:
  void set(const std::string& key, const Shape& shape) { dict_.set(key, formula_tensor(key, shape)); }

  void conv(const std::string& prefix, const Shape& shape, std::int64_t out) {
    set(prefix + ".weight", shape);
    set(prefix + ".bias", {out});
  }

  void two_convs(const std::string& prefix, std::int64_t in, std::int64_t out, std::int64_t kernel) {
    const int stride = config_.batch_norm ? 3 : 2;
    for (int i = 0; i < 2; ++i) {
      conv(prefix + ".block." + std::to_string(i * stride), {out, i == 0 ? in : out, kernel, kernel}, out);
      if (!config_.batch_norm) continue;
      const std::string norm = prefix + ".block." + std::to_string(i * stride + 1);
      for (const char* name : {".weight", ".bias", ".running_mean", ".running_var"}) set(norm + name, {out});
    }
  }

  void block(const std::string& prefix, std::int64_t in, std::int64_t out) {
    if (config_.conv_block == models::BlockKind::kUnet) return two_convs(prefix, in, out, 3);
    two_convs(prefix + ".conv_3", in, out, 3);
    two_convs(prefix + ".conv_7", in, out, 7);
    conv(prefix + ".conv", {out, 2 * out, 1, 1}, out);
  }

  MemoryDict& dict_;
  const models::HoverFastConfig& config_;
};

inline std::shared_ptr<MemoryDict> formula_dict(const models::HoverFastConfig& config) {
  auto dict = std::make_shared<MemoryDict>();
  FormulaDictBuilder(*dict, config).build();
  return dict;
}

}  // namespace histojet::test
