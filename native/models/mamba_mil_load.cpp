#include <string>
#include <utility>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/mamba_mil.hpp"
#include "models/strict_state.hpp"
#include "tokens/load_parts.hpp"

namespace histojet::models {

using tokens::Bias;
using tokens::Bidirectional;
using tokens::Linear;
using tokens::MambaMixer;
using tokens::Norm;
using weights::WeightScope;

namespace {

// Of all norms in mamba.py, on which 2DMamba's mixer is built.
constexpr float kInnerEpsilon = 1e-5F;

std::string text(std::int64_t value) {
  return std::to_string(value);
}

std::map<std::string, std::string> config_json(const MambaMilConfig& config) {
  const char* const mixers[] = {"\"Mamba\"", "\"BiMamba\"", "\"SRMamba\"", "\"2DMamba\""};
  std::map<std::string, std::string> json{{"in_dim", text(config.in_dim)},
                                          {"dim", text(config.dim)},
                                          {"depth", text(config.depth)},
                                          {"n_classes", text(config.num_classes)},
                                          {"type", mixers[static_cast<std::size_t>(config.mixer)]},
                                          {"act", config.activation == MilActivation::kRelu ? "\"relu\"" : "\"gelu\""},
                                          {"survival", config.survival ? "true" : "false"}};
  if (config.mixer != MilMixer::kScan2d) {
    json["rate"] = text(config.rate);
    return json;
  }
  json["mamba_2d_patch_size"] = text(config.grid.patch_size_px);
  json["mamba_2d_max_w"] = text(config.grid.max_width_px);
  json["mamba_2d_max_h"] = text(config.grid.max_height_px);
  return json;
}

/// The shapes of a layer's mixer. Without a second branch the network is kMamba, whatever was asked for.
/// @throws Error kShapeMismatch, kInvalidArgument when it does not fit the layers before or the options.
tokens::MambaConfig mixer_config(const WeightScope& scope, MambaMilConfig& config) {
  tokens::MambaConfig mixer = tokens::mamba_config(scope);
  if (mixer.dim != config.dim) {
    throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensor '" + scope.full_name("in_proj.weight") +
                                               "' takes " + text(mixer.dim) + " values, the model's tokens have " +
                                               text(config.dim));
  }
  const bool on_grid = config.mixer == MilMixer::kScan2d;
  if (on_grid) mixer.b_c_dt_epsilon = kInnerEpsilon;
  if (mixer.bidirectional == Bidirectional::kNone && !on_grid) config.mixer = MilMixer::kMamba;
  const bool two = config.mixer == MilMixer::kBiMamba || config.mixer == MilMixer::kSrMamba;
  if (mixer.bidirectional != (two ? Bidirectional::kV2 : Bidirectional::kNone)) {
    throw Error(ErrorCode::kInvalidArgument,
                scope.dict().path() + ": the mixers under '" + scope.full_name("") +
                    "' have a second branch, or another one than those before; expected a mixer without for Mamba, "
                    "and `conv1d_b` and the like for BiMamba and SRMamba");
  }
  return mixer;
}

}  // namespace

/// Reads the tensors of the network and packs them.
class MambaMil::Loader {
 public:
  Loader(const std::shared_ptr<const StrictState>& dict, const MambaMilOptions& options)
      : dict_(dict), root_(checkpoint_root(dict, {"model.", "module."})), options_(options) {}

  MambaMil load() && {
    configure();
    const tokens::LayerOptions& layers = options_.layers;
    MambaMilConfig& config = model_.config_;
    model_.info_ = token_network_info("mamba-mil", layers);
    model_.first_ = Linear::load(root_.scope("_fc1.0"), config.in_dim, config.dim, Bias::kAsStored, layers);
    mixers();
    model_.norm_ = Norm::load(root_.scope("norm"), config.dim, Norm::stored_kind(root_.scope("norm")), layers);
    model_.attention_ = tokens::AttentionPool::load(root_.scope("attention"), config.dim, layers);
    model_.classifier_ =
        Linear::load(root_.scope("classifier"), config.dim, config.num_classes, Bias::kAsStored, layers);
    dict_->expect_all_read({}, config.mixer == MilMixer::kScan2d ? "2DMambaMIL" : "MambaMIL");
    describe();
    return std::move(model_);
  }

 private:
  void configure() {
    const Shape& first = tokens::shape_of(root_, "_fc1.0.weight", 2, "[dim, features]");
    const bool on_grid = root_.has("layers.pad_token") || options_.mixer == MilMixer::kScan2d;
    model_.config_ = {.in_dim = first[1],
                      .dim = first[0],
                      .num_classes = tokens::shape_of(root_, "classifier.weight", 2, "[classes, dim]")[0],
                      .rate = options_.rate,
                      .mixer = on_grid ? MilMixer::kScan2d : options_.mixer,
                      .activation = options_.activation.value_or(on_grid ? MilActivation::kGelu : MilActivation::kRelu),
                      .survival = options_.survival,
                      .grid = options_.grid};
    if (!on_grid) return;
    const Tensor pad = root_.f32("layers.pad_token", {first[0]});
    check_grid(options_.grid);
    model_.pad_token_.assign(pad.values<float>().begin(), pad.values<float>().end());
  }

  void mixers() {
    MambaMilConfig& config = model_.config_;
    const bool on_grid = config.mixer == MilMixer::kScan2d;
    const WeightScope layers = root_.scope(on_grid ? "layers.layers" : "layers");
    const std::string norm = on_grid ? "norm" : "0", mixer = on_grid ? "mixer" : "1";
    for (std::int64_t i = 0; i == 0 || layers.has(text(i) + "." + norm + ".weight"); ++i) {
      const WeightScope scope = layers.scope(text(i));
      const tokens::MambaConfig sizes = mixer_config(scope.scope(mixer), config);
      const WeightScope norm_scope = scope.scope(norm);
      model_.layers_.push_back(
          {.norm = Norm::load(norm_scope, config.dim, Norm::stored_kind(norm_scope), options_.layers),
           .mixer = MambaMixer::load(scope.scope(mixer), sizes, options_.layers)});
    }
    config.depth = static_cast<std::int64_t>(model_.layers_.size());
  }

  void describe() {
    TokenNetworkInfo& info = model_.info_;
    info.parameters = model_.first_.parameters() + model_.norm_.parameters() + model_.attention_.parameters() +
                      model_.classifier_.parameters() + static_cast<std::int64_t>(model_.pad_token_.size());
    info.memory_bytes = model_.first_.byte_size() + model_.attention_.byte_size() + model_.classifier_.byte_size();
    for (const Layer& layer : model_.layers_) {
      info.parameters += layer.norm.parameters() + layer.mixer.parameters();
      info.memory_bytes += layer.mixer.byte_size();
    }
    info.config = config_json(model_.config_);
  }

  const std::shared_ptr<const StrictState> dict_;
  const WeightScope root_;
  const MambaMilOptions& options_;
  MambaMil model_;
};

MambaMil MambaMil::load(std::shared_ptr<const weights::StateDict> dict, const MambaMilOptions& options) {
  if (options.rate < 1) {
    throw Error(ErrorCode::kInvalidArgument, "MambaMIL: rate is " + text(options.rate) + ", expected at least 1");
  }
  return Loader(std::make_shared<const StrictState>(std::move(dict)), options).load();
}

}  // namespace histojet::models
