#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/cancel.hpp"
#include "models/tile_grid.hpp"
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
  kScan2d,   ///< 2DMambaMIL: along the rows and down the columns of the grid on which the tiles lie
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
  TileGrid grid;  ///< kScan2d
};

/// What no shape tells. A checkpoint without a second branch is kMamba, one with `layers.pad_token` is kScan2d,
/// whatever `mixer` says.
struct MambaMilOptions {
  tokens::LayerOptions layers{.precision = tokens::Precision::kHigh};
  MilMixer mixer = MilMixer::kSrMamba;
  std::optional<MilActivation> activation;  ///< not given: kGelu for kScan2d, else kRelu
  std::int64_t rate = 10;
  bool survival = false;  ///< the outputs are hazards of time intervals
  TileGrid grid;          ///< kScan2d: must be given, as in the training
};

/// Result for one slide.
struct MambaMilOutput {
  std::vector<float> logits;         ///< [num_classes]
  std::vector<float> probabilities;  ///< softmax of the logits; empty for survival
  std::vector<float> hazards;        ///< survival only: sigmoid of the logits, per interval
  std::vector<float> survival;       ///< product of 1 - hazard up to and with each interval
  double risk = 0;                   ///< minus the sum of `survival`
  std::vector<float> attention;      ///< per tile; the sum with `empty_attention` is 1
  double empty_attention = 0;        ///< kScan2d: of the cells without a tile
  std::vector<float> features;       ///< [dim], attention-weighted mean
};

/// MambaMIL (2024): a slide's class or risk from the features of its tiles, in the order given. Keys as published:
/// _fc1.0, layers.{i}.0 (norm), layers.{i}.1 (mixer), norm, attention.{0, 2}, classifier.
///
/// 2DMambaMIL (2025) lays the tiles on a grid by their coordinates; cells without a tile hold `layers.pad_token`, and
/// attention goes to all cells. Layers are layers.layers.{i}.norm and layers.layers.{i}.mixer. The grid goes through
/// all layers some rows at a time.
///
/// Immutable, shared by threads.
class MambaMil {
 public:
  /// Keys may lie under "model." or "module.". @throws Error kMissingWeight, kShapeMismatch naming the key and both
  /// shapes, kUnsupportedFormat for tensors that MambaMIL does not have, kInvalidArgument for a rate below 1 and for a
  /// grid that is missing or too large.
  static MambaMil load(std::shared_ptr<const weights::StateDict> dict, const MambaMilOptions& options = {});

  const MambaMilConfig& config() const { return config_; }
  const TokenNetworkInfo& info() const { return info_; }

  /// Memory of one run at a time: two times `dim` floats per tile and what the layers need; with a grid, once `dim`
  /// floats per tile, 32 MiB of cells, and the states of one row of them for each layer.
  struct Scratch {
    std::vector<float> tokens;
    std::vector<float> residual;
    AlignedBuffer<float> cells;
    tokens::MixerScratch mixer;
    tokens::ProductScratch products;
  };

  /// features: `in_dim` floats per tile. places: for kScan2d one per tile, else none.
  /// @throws Error kInvalidArgument for no tiles, for places that are missing, not wanted or not on the grid, and for
  /// two tiles in one cell; Cancelled.
  MambaMilOutput run(const tokens::TokensIn& features, std::int64_t tiles, Scratch& scratch, int threads,
                     const CancelToken& cancel, std::span<const TilePlace> places = {}) const;

 private:
  struct Layer {
    tokens::Norm norm;
    tokens::MambaMixer mixer;
  };

  class Loader;
  class GridRun;

  void run_layer(const Layer& layer, std::int64_t tiles, Scratch& scratch, int threads,
                 const CancelToken& cancel) const;
  void pool_sequence(std::int64_t tiles, Scratch& scratch, int threads, const CancelToken& cancel,
                     MambaMilOutput& output) const;
  void finish(MambaMilOutput& output) const;

  MambaMilConfig config_;
  TokenNetworkInfo info_;
  tokens::Linear first_;
  std::vector<Layer> layers_;
  std::vector<float> pad_token_;  ///< kScan2d: [dim]
  tokens::Norm norm_;
  tokens::AttentionPool attention_;
  tokens::Linear classifier_;
};

}  // namespace histojet::models
