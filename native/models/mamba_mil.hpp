#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/cancel.hpp"
#include "models/token_network.hpp"
#include "tokens/attention_pool.hpp"
#include "tokens/mamba_mixer.hpp"
#include "tokens/norm.hpp"
#include "tokens/token_products.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

/// How the mixers of MambaMIL look at the tiles.
enum class MilMixer {
  kMamba,    ///< forward
  kBiMamba,  ///< forward and backward
  kSrMamba,  ///< forward, and forward in strided order: the published one
};

/// The function behind the first layer.
enum class MilActivation { kRelu, kGelu };

struct MambaMilConfig {
  std::int64_t in_dim = 0;  ///< of the tiles' features
  std::int64_t dim = 0;
  std::int64_t depth = 0;
  std::int64_t num_classes = 0;
  std::int64_t rate = 10;  ///< stride of kSrMamba
  MilMixer mixer = MilMixer::kSrMamba;
  MilActivation activation = MilActivation::kRelu;
  bool survival = false;
};

/// What no shape tells. A checkpoint without a second branch is kMamba whatever `mixer` says.
struct MambaMilOptions {
  tokens::LayerOptions layers{.precision = tokens::Precision::kHigh};
  MilMixer mixer = MilMixer::kSrMamba;
  MilActivation activation = MilActivation::kRelu;
  std::int64_t rate = 10;
  bool survival = false;  ///< the outputs are hazards of time intervals
};

/// Result for one slide.
struct MambaMilOutput {
  std::vector<float> logits;         ///< [num_classes]
  std::vector<float> probabilities;  ///< softmax of the logits; empty for survival
  std::vector<float> hazards;        ///< survival only: sigmoid of the logits, per interval
  std::vector<float> survival;       ///< product of 1 - hazard up to and with each interval
  double risk = 0;                   ///< minus the sum of `survival`
  std::vector<float> attention;      ///< per tile, sum 1
  std::vector<float> features;       ///< [dim], attention-weighted mean
};

/// MambaMIL (2024): a slide's class or risk from the features of its tiles, in the order given. Keys as published:
/// _fc1.0, layers.{i}.0 (norm), layers.{i}.1 (mixer), norm, attention.{0, 2}, classifier. Immutable, shared by threads.
class MambaMil {
 public:
  /// Keys may lie under "model." or "module.". @throws Error kMissingWeight, kShapeMismatch naming the key and both
  /// shapes, kUnsupportedFormat for tensors that MambaMIL does not have, kInvalidArgument for a rate below 1.
  static MambaMil load(std::shared_ptr<const weights::StateDict> dict, const MambaMilOptions& options = {});

  const MambaMilConfig& config() const { return config_; }
  const TokenNetworkInfo& info() const { return info_; }

  /// Memory of one run at a time: two times `dim` floats per tile and what the layers need.
  struct Scratch {
    std::vector<float> tokens;
    std::vector<float> residual;
    tokens::MixerScratch mixer;
    tokens::ProductScratch products;
  };

  /// features: `in_dim` floats per tile. @throws Error kInvalidArgument for no tiles, Cancelled.
  MambaMilOutput run(const tokens::TokensIn& features, std::int64_t tiles, Scratch& scratch, int threads,
                     const CancelToken& cancel) const;

 private:
  struct Layer {
    tokens::Norm norm;
    tokens::MambaMixer mixer;
  };

  void run_layer(const Layer& layer, std::int64_t tiles, Scratch& scratch, int threads,
                 const CancelToken& cancel) const;
  void finish(MambaMilOutput& output) const;

  MambaMilConfig config_;
  TokenNetworkInfo info_;
  tokens::Linear first_;
  std::vector<Layer> layers_;
  tokens::Norm norm_;
  tokens::AttentionPool attention_;
  tokens::Linear classifier_;
};

}  // namespace histojet::models
