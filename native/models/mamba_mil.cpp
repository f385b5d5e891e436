#include "models/mamba_mil.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "models/checkpoint_root.hpp"
#include "models/strict_state.hpp"
#include "tokens/load_parts.hpp"
#include "tokens/sr_mamba.hpp"

namespace histojet::models {

using tokens::Bias;
using tokens::Bidirectional;
using tokens::Linear;
using tokens::MambaMixer;
using tokens::Norm;
using weights::WeightScope;

namespace {

std::string text(std::int64_t value) {
  return std::to_string(value);
}

std::map<std::string, std::string> config_json(const MambaMilConfig& config) {
  const char* const mixers[] = {"\"Mamba\"", "\"BiMamba\"", "\"SRMamba\""};
  return {{"in_dim", text(config.in_dim)},
          {"dim", text(config.dim)},
          {"depth", text(config.depth)},
          {"n_classes", text(config.num_classes)},
          {"rate", text(config.rate)},
          {"type", mixers[static_cast<std::size_t>(config.mixer)]},
          {"act", config.activation == MilActivation::kRelu ? "\"relu\"" : "\"gelu\""},
          {"survival", config.survival ? "true" : "false"}};
}

/// The shapes of a layer's mixer. Without a second branch the network is kMamba, whatever was asked for.
/// @throws Error kShapeMismatch, kInvalidArgument when it does not fit the layers before or the options.
tokens::MambaConfig mixer_config(const WeightScope& scope, MambaMilConfig& config) {
  tokens::MambaConfig mixer = tokens::mamba_config(scope.scope("1"));
  if (mixer.dim != config.dim) {
    throw Error(ErrorCode::kShapeMismatch, scope.dict().path() + ": tensor '" + scope.full_name("1.in_proj.weight") +
                                               "' takes " + text(mixer.dim) + " values, the model's tokens have " +
                                               text(config.dim));
  }
  if (mixer.bidirectional == Bidirectional::kNone) config.mixer = MilMixer::kMamba;
  if (mixer.bidirectional != (config.mixer == MilMixer::kMamba ? Bidirectional::kNone : Bidirectional::kV2)) {
    throw Error(ErrorCode::kInvalidArgument,
                scope.dict().path() + ": the mixers under '" + scope.full_name("1") +
                    "' have a second branch, or another one than those before; expected a mixer without for Mamba, "
                    "and `conv1d_b` and the like for BiMamba and SRMamba");
  }
  return mixer;
}

}  // namespace

MambaMil MambaMil::load(std::shared_ptr<const weights::StateDict> dict, const MambaMilOptions& options) {
  if (options.rate < 1) {
    throw Error(ErrorCode::kInvalidArgument, "MambaMIL: rate is " + text(options.rate) + ", expected at least 1");
  }
  const auto strict = std::make_shared<StrictState>(std::move(dict));
  const WeightScope root = checkpoint_root(strict, {"model.", "module."});
  MambaMil model;
  MambaMilConfig& config = model.config_;
  const Shape& first = tokens::shape_of(root, "_fc1.0.weight", 2, "[dim, features]");
  config = {.in_dim = first[1],
            .dim = first[0],
            .num_classes = tokens::shape_of(root, "classifier.weight", 2, "[classes, dim]")[0],
            .rate = options.rate,
            .mixer = options.mixer,
            .activation = options.activation,
            .survival = options.survival};
  const tokens::LayerOptions& layers = options.layers;
  model.first_ = Linear::load(root.scope("_fc1.0"), config.in_dim, config.dim, Bias::kAsStored, layers);
  TokenNetworkInfo info = token_network_info("mamba-mil", layers);
  for (std::int64_t i = 0; i == 0 || root.has("layers." + text(i) + ".0.weight"); ++i) {
    const WeightScope scope = root.scope("layers." + text(i));
    const tokens::MambaConfig mixer = mixer_config(scope, config);
    model.layers_.push_back(
        {.norm = Norm::load(scope.scope("0"), config.dim, Norm::stored_kind(scope.scope("0")), layers),
         .mixer = MambaMixer::load(scope.scope("1"), mixer, layers)});
    info.parameters += model.layers_.back().norm.parameters() + model.layers_.back().mixer.parameters();
    info.memory_bytes += model.layers_.back().mixer.byte_size();
  }
  config.depth = static_cast<std::int64_t>(model.layers_.size());
  model.norm_ = Norm::load(root.scope("norm"), config.dim, Norm::stored_kind(root.scope("norm")), layers);
  model.attention_ = tokens::AttentionPool::load(root.scope("attention"), config.dim, layers);
  model.classifier_ = Linear::load(root.scope("classifier"), config.dim, config.num_classes, Bias::kAsStored, layers);
  strict->expect_all_read({}, "MambaMIL");
  info.parameters += model.first_.parameters() + model.norm_.parameters() + model.attention_.parameters() +
                     model.classifier_.parameters();
  info.memory_bytes += model.first_.byte_size() + model.attention_.byte_size() + model.classifier_.byte_size();
  info.config = config_json(config);
  model.info_ = std::move(info);
  return model;
}

/// x += mixer(norm(x)).
void MambaMil::run_layer(const Layer& layer, std::int64_t tiles, Scratch& scratch, int threads,
                         const CancelToken& cancel) const {
  const std::int64_t dim = config_.dim;
  tokens::MixerRun run{
      .in = {scratch.tokens.data(), dim}, .out = {scratch.tokens.data(), dim}, .tokens = tiles, .norm = &layer.norm};
  if (config_.mixer != MilMixer::kMamba) {
    scratch.residual = scratch.tokens;  // the second branch must see what the first one saw
    run.in.data = scratch.residual.data();
  }
  if (config_.mixer == MilMixer::kSrMamba) {
    return tokens::accumulate_strided(layer.mixer, run, config_.rate, scratch.mixer, threads, cancel);
  }
  layer.mixer.accumulate_all(run, scratch.mixer, threads, cancel);
}

void MambaMil::finish(MambaMilOutput& output) const {
  if (config_.survival) {
    double surviving = 1;
    for (const float logit : output.logits) {
      const double hazard = 1 / (1 + std::exp(-static_cast<double>(logit)));
      surviving *= 1 - hazard;
      output.hazards.push_back(static_cast<float>(hazard));
      output.survival.push_back(static_cast<float>(surviving));
      output.risk -= surviving;
    }
    return;
  }
  const float largest = *std::ranges::max_element(output.logits);
  double sum = 0;
  for (const float logit : output.logits) sum += std::exp(static_cast<double>(logit) - largest);
  for (const float logit : output.logits) {
    output.probabilities.push_back(static_cast<float>(std::exp(static_cast<double>(logit) - largest) / sum));
  }
}

// Figure 1 of the paper.
MambaMilOutput MambaMil::run(const tokens::TokensIn& features, std::int64_t tiles, Scratch& scratch, int threads,
                             const CancelToken& cancel) const {
  if (tiles <= 0) throw Error(ErrorCode::kInvalidArgument, "MambaMIL: a slide without tiles has no result");
  const std::int64_t dim = config_.dim;
  scratch.tokens.resize(static_cast<std::size_t>(tiles * dim));
  float* sequence = scratch.tokens.data();
  run_product(first_,
              {.in = features,
               .out = {sequence, dim},
               .tokens = tiles,
               .activation = config_.activation == MilActivation::kRelu ? tokens::Activation::kRelu
                                                                        : tokens::Activation::kGeluErf},
              scratch.products, threads);
  for (const Layer& layer : layers_) run_layer(layer, tiles, scratch, threads, cancel);
  norm_.run_tokens({sequence, dim}, {sequence, dim}, tiles);
  tokens::AttentionPool::Result pooled = attention_.run({sequence, dim}, tiles, scratch.products, threads);
  MambaMilOutput output;
  output.attention = std::move(pooled.weights);
  output.features = std::move(pooled.pooled);
  output.logits.resize(static_cast<std::size_t>(config_.num_classes));
  run_product(classifier_,
              {.in = {output.features.data(), dim}, .out = {output.logits.data(), config_.num_classes}, .tokens = 1},
              scratch.products, 1);
  finish(output);
  return output;
}

}  // namespace histojet::models
