#pragma once

#include <memory>
#include <string>

#include "models/formula_dict.hpp"
#include "models/hovernet.hpp"

namespace histojet::test {

/// How the values of a HoverNetDictBuilder are made.
enum class Values {
  kFormula,  ///< computed weights, as in the reference outputs
  kZero,     ///< for tests that look at names and shapes only
};

/// The keys of HoVer-Net in one configuration, written down independently of the network's builder.
class HoverNetDictBuilder {
 public:
  HoverNetDictBuilder(MemoryDict& dict, Values values) : dict_(dict), values_(values) {}

  void build(bool original, std::int64_t nr_types) {
    set("conv0./.weight", {64, 3, 7, 7});
    norm("conv0.bn", 64);
    residual("d0", 64, 64, 256, 3);
    residual("d1", 256, 128, 512, 4);
    residual("d2", 512, 256, 1024, 6);
    residual("d3", 1024, 512, 2048, 3);
    set("conv_bot.weight", {1024, 2048, 1, 1});
    if (nr_types > 0) decoder("tp", original ? 5 : 3, nr_types);
    decoder("np", original ? 5 : 3, 2);
    decoder("hv", original ? 5 : 3, 2);
    dict_.set("upsample2x.unpool_mat", Tensor(DType::kF32, {2, 2}));
  }

 private:
  void set(const std::string& key, const Shape& shape) {
    dict_.set(key, values_ == Values::kZero ? Tensor(DType::kF32, shape) : formula_tensor(key, shape, 1.1));
  }

  void norm(const std::string& key, std::int64_t channels) {
    for (const char* name : {".weight", ".bias", ".running_mean", ".running_var"}) set(key + name, {channels});
    dict_.set(key + ".num_batches_tracked", Tensor(DType::kI64, Shape{}));
  }

  void residual(const std::string& key, std::int64_t in, std::int64_t inner, std::int64_t out, int units) {
    for (int u = 0; u < units; ++u) {
      const std::string unit = key + ".units." + std::to_string(u) + ".";
      if (u > 0) norm(unit + "preact/bn", out);
      set(unit + "conv1.weight", {inner, u > 0 ? out : in, 1, 1});
      norm(unit + "conv1/bn", inner);
      set(unit + "conv2.weight", {inner, inner, 3, 3});
      norm(unit + "conv2/bn", inner);
      set(unit + "conv3.weight", {out, inner, 1, 1});
    }
    set(key + ".shortcut.weight", {out, in, 1, 1});
    norm(key + ".blk_bna.bn", out);
  }

  void dense(const std::string& key, std::int64_t in, std::int64_t kernel, int units) {
    for (int u = 0; u < units; ++u) {
      const std::string unit = key + ".units." + std::to_string(u) + ".";
      norm(unit + "preact_bna/bn", in + 32 * u);
      set(unit + "conv1.weight", {128, in + 32 * u, 1, 1});
      norm(unit + "conv1/bn", 128);
      set(unit + "conv2.weight", {32, 32, kernel, kernel});
    }
    norm(key + ".blk_bna.bn", in + 32 * units);
  }

  void decoder(const std::string& name, std::int64_t kernel, std::int64_t out) {
    const std::string key = "decoder." + name + ".";
    set(key + "u3.conva.weight", {256, 1024, kernel, kernel});
    dense(key + "u3.dense", 256, kernel, 8);
    set(key + "u3.convf.weight", {512, 512, 1, 1});
    set(key + "u2.conva.weight", {128, 512, kernel, kernel});
    dense(key + "u2.dense", 128, kernel, 4);
    set(key + "u2.convf.weight", {256, 256, 1, 1});
    set(key + "u1.conva.weight", {64, 256, kernel, kernel});
    norm(key + "u0.bn", 64);
    set(key + "u0.conv.weight", {out, 64, 1, 1});
    set(key + "u0.conv.bias", {out});
  }

  MemoryDict& dict_;
  Values values_;
};

inline std::shared_ptr<MemoryDict> hovernet_dict(bool original, std::int64_t nr_types, Values values) {
  auto dict = std::make_shared<MemoryDict>();
  HoverNetDictBuilder(*dict, values).build(original, nr_types);
  return dict;
}

}  // namespace histojet::test
