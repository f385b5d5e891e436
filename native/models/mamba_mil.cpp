#include "models/mamba_mil.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "models/mamba_mil_grid.hpp"
#include "tokens/sr_mamba.hpp"

namespace histojet::models {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "MambaMIL: " + what);
}

void check_places(const MambaMilConfig& config, std::int64_t tiles, std::size_t places) {
  if (config.mixer != MilMixer::kScan2d) {
    if (places > 0) refuse("coordinates are given, and the network does not look at them");
    return;
  }
  if (places == static_cast<std::size_t>(tiles)) return;
  refuse("2DMamba lays tiles on a grid; expected coordinates of each of the " + std::to_string(tiles) + " tiles, got " +
         std::to_string(places));
}

}  // namespace

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

/// Tokens in the order given, through the layers to their weighted mean.
void MambaMil::pool_sequence(std::int64_t tiles, Scratch& scratch, int threads, const CancelToken& cancel,
                             MambaMilOutput& output) const {
  const std::int64_t dim = config_.dim;
  float* sequence = scratch.tokens.data();
  for (const Layer& layer : layers_) run_layer(layer, tiles, scratch, threads, cancel);
  norm_.run_tokens({sequence, dim}, {sequence, dim}, tiles);
  tokens::AttentionPool::Result pooled = attention_.run({sequence, dim}, tiles, scratch.products, threads);
  output.attention = std::move(pooled.weights);
  output.features = std::move(pooled.pooled);
}

// Figure 1 of the paper.
MambaMilOutput MambaMil::run(const tokens::TokensIn& features, std::int64_t tiles, Scratch& scratch, int threads,
                             const CancelToken& cancel, std::span<const TilePlace> places) const {
  if (tiles <= 0) refuse("a slide without tiles has no result");
  check_places(config_, tiles, places.size());
  const bool on_grid = config_.mixer == MilMixer::kScan2d;
  const std::vector<PlacedTile> placed = on_grid ? place_tiles(places, config_.grid) : std::vector<PlacedTile>();
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
  MambaMilOutput output;
  if (on_grid) {
    GridRun(*this, scratch, threads, cancel).run(placed, tiles, output);
  } else {
    pool_sequence(tiles, scratch, threads, cancel, output);
  }
  output.logits.resize(static_cast<std::size_t>(config_.num_classes));
  run_product(classifier_,
              {.in = {output.features.data(), dim}, .out = {output.logits.data(), config_.num_classes}, .tokens = 1},
              scratch.products, 1);
  finish(output);
  return output;
}

}  // namespace histojet::models
