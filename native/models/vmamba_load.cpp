#include <algorithm>
#include <string>
#include <utility>

#include "models/checkpoint_root.hpp"
#include "models/renamed_state.hpp"
#include "models/strict_state.hpp"
#include "models/vmamba.hpp"
#include "tokens/load_parts.hpp"

namespace histojet::models {

using tokens::LayerOptions;
using tokens::Linear;
using tokens::Norm;
using tokens::NormKind;
using tokens::PatchConv;
using tokens::shape_of;
using weights::WeightScope;

namespace {

std::string text(std::int64_t value) {
  return std::to_string(value);
}

void replace_start(std::string& name, std::string_view from, std::string_view to) {
  if (name.starts_with(from)) name.replace(0, from.size(), to);
}

void replace_part(std::string& name, std::string_view from, std::string_view to) {
  const auto at = name.find(from);
  if (at != std::string::npos) name.replace(at, from.size(), to);
}

/// The key of today for a key of the first release, or the key itself.
std::string name_of_today(std::string name) {
  replace_start(name, "patch_embed.proj.", "patch_embed.0.");
  replace_start(name, "patch_embed.norm.", "patch_embed.2.");
  replace_start(name, "norm.", "classifier.norm.");
  replace_start(name, "head.", "classifier.head.");
  replace_part(name, ".ln_1.", ".norm.");
  replace_part(name, ".ln_2.", ".norm2.");
  replace_part(name, ".self_attention.", ".op.");
  return name;
}

/// All tensors below what their names share, with the keys of today.
std::shared_ptr<const weights::StateDict> with_names_of_today(std::shared_ptr<const weights::StateDict> dict) {
  const std::string prefix = checkpoint_root(dict, {"model.", "module."}).full_name("");
  std::map<std::string, std::string, std::less<>> names;
  for (const std::string& name : dict->names()) {
    names.emplace(name_of_today(name.substr(prefix.empty() ? 0 : prefix.size() + 1)), name);
  }
  return std::make_shared<RenamedState>(std::move(dict), std::move(names));
}

}  // namespace

class VMamba::Loader {
 public:
  Loader(const WeightScope& root, const VMambaOptions& options) : root_(root), options_(options) {}

  VMamba load() && {
    model_.isa_ = options_.layers.isa;
    embedding();
    for (std::int64_t s = 0; has_stage(s); ++s) stage(s);
    if (model_.stages_.empty()) root_.dict().entry("layers.0.blocks.0.norm.weight");  // throws, naming it
    const std::int64_t dim = model_.config_.dims.back();
    model_.norm_ = norm("classifier.norm", dim);
    if (root_.has("classifier.head.weight")) {
      model_.config_.num_classes = shape_of(root_, "classifier.head.weight", 2, "[classes, dim]")[0];
      model_.head_ = Linear::load(root_.scope("classifier.head"), dim, model_.config_.num_classes,
                                  tokens::Bias::kAsStored, options_.layers);
      count(model_.head_);
    }
    return std::move(model_);
  }

 private:
  template <class Layer>
  void count(const Layer& layer) {
    model_.info_.parameters += layer.parameters();
    if constexpr (requires { layer.byte_size(); }) model_.info_.memory_bytes += layer.byte_size();
  }

  Norm norm(const std::string& name, std::int64_t dim) {
    Norm made = Norm::load(root_.scope(name), dim, NormKind::kLayer, options_.layers);
    count(made);
    return made;
  }

  PatchConv window(const std::string& name, std::int64_t in, std::int64_t stride, std::int64_t padding) {
    const Shape& shape = shape_of(root_, name + ".weight", 4, "[out, in, k, k]");
    PatchConv made = PatchConv::load(
        root_.scope(name), {.in = in, .out = shape[0], .kernel = shape[2], .stride = stride, .padding = padding},
        options_.layers);
    count(made);
    return made;
  }

  bool has_stage(std::int64_t s) const { return root_.has("layers." + text(s) + ".blocks.0.norm.weight"); }

  void embedding() {
    const Shape& first = shape_of(root_, "patch_embed.0.weight", 4, "[dim, channels, k, k]");
    model_.config_.in_channels = first[1];
    const bool in_two = root_.has("patch_embed.5.weight");
    model_.embed_first_ = window("patch_embed.0", first[1], in_two ? 2 : first[2], in_two ? 1 : 0);
    model_.embed_first_norm_ = norm("patch_embed.2", first[0]);
    model_.config_.dims = {first[0]};
    if (!in_two) return;
    model_.embed_second_ = window("patch_embed.5", first[0], 2, 1);
    model_.config_.dims = {model_.embed_second_->config().out};
    model_.embed_second_norm_ = norm("patch_embed.7", model_.config_.dims[0]);
  }

  void stage(std::int64_t s) {
    const std::string name = "layers." + text(s);
    const std::int64_t dim = model_.config_.dims.back();
    Stage made;
    for (std::int64_t i = 0; i == 0 || root_.has(block_name(s, i) + ".norm.weight"); ++i) {
      made.blocks.push_back(block(block_name(s, i), dim));
    }
    model_.config_.depths.push_back(static_cast<std::int64_t>(made.blocks.size()));
    model_.config_.d_state = made.blocks[0].op.config().d_state;
    model_.config_.gated = made.blocks[0].op.config().gated;
    if (has_stage(s + 1)) reduction(name + ".downsample", dim, made);
    model_.stages_.push_back(std::move(made));
  }

  static std::string block_name(std::int64_t s, std::int64_t i) { return "layers." + text(s) + ".blocks." + text(i); }

  Block block(const std::string& name, std::int64_t dim) {
    Block made{.norm = norm(name + ".norm", dim)};
    tokens::Ss2dConfig config = tokens::ss2d_config(root_.scope(name + ".op"), dim);
    config.scan = options_.scan;
    config.gate_silu = options_.gate_silu;
    config.out_gelu = options_.out_gelu;
    made.op = tokens::Ss2d::load(root_.scope(name + ".op"), config, options_.layers);
    count(made.op);
    if (root_.has(name + ".mlp.fc1.weight")) {
      made.norm2 = norm(name + ".norm2", dim);
      made.mlp = tokens::Mlp::load(root_.scope(name + ".mlp"), dim, options_.layers);
      count(*made.mlp);
    }
    return made;
  }

  void reduction(const std::string& name, std::int64_t dim, Stage& made) {
    if (root_.has(name + ".reduction.weight")) {
      const std::int64_t out = shape_of(root_, name + ".reduction.weight", 2, "[out, 4 dim]")[0];
      made.merging = tokens::PatchMerging::load(root_.scope(name), dim, out, options_.layers);
      count(*made.merging);
      return model_.config_.dims.push_back(out);
    }
    const std::int64_t kernel = shape_of(root_, name + ".1.weight", 4, "[out, dim, k, k]")[2];
    made.reduction = window(name + ".1", dim, 2, kernel == 3 ? 1 : 0);
    model_.config_.dims.push_back(made.reduction->config().out);
    made.reduction_norm = norm(name + ".3", model_.config_.dims.back());
  }

  const WeightScope& root_;
  const VMambaOptions& options_;
  VMamba model_;
};

VMamba VMamba::load(std::shared_ptr<const weights::StateDict> dict, const VMambaOptions& options) {
  const auto strict = std::make_shared<StrictState>(with_names_of_today(std::move(dict)));
  const WeightScope root(strict);
  VMamba model = Loader(root, options).load();
  strict->expect_all_read({}, "VMamba");
  TokenNetworkInfo info = token_network_info("vmamba", options.layers);
  info.parameters = model.info_.parameters;
  info.memory_bytes = model.info_.memory_bytes;
  const auto list = [](const std::vector<std::int64_t>& values) {
    std::string json;
    for (const std::int64_t value : values) json += (json.empty() ? "[" : ", ") + text(value);
    return json + "]";
  };
  info.config = {{"depths", list(model.config_.depths)},
                 {"dims", list(model.config_.dims)},
                 {"d_state", text(model.config_.d_state)},
                 {"num_classes", text(model.config_.num_classes)},
                 {"gated", model.config_.gated ? "true" : "false"}};
  model.info_ = std::move(info);
  return model;
}

}  // namespace histojet::models
