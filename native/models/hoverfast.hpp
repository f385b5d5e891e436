#pragma once

#include <map>
#include <string>

#include "engine/graph.hpp"
#include "layers/upsample.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

enum class BlockKind {
  kUnet,    ///< one 3 x 3 conv block
  kMsunet,  ///< 3 x 3 and 7 x 7 branches
};

/// Hyper-parameters of HoverFast, named as in its code. The defaults are the published configuration.
struct HoverFastConfig {
  std::int64_t in_channels = 3;
  std::int64_t n_classes = 2;
  std::int64_t depth = 3;  ///< levels of the encoder, the bottleneck included
  std::int64_t wf = 4;     ///< the first level has 2^wf channels, each level below twice as many
  bool padding = true;
  bool batch_norm = true;
  layers::UpMode up_mode = layers::UpMode::kUpconv;
  BlockKind conv_block = BlockKind::kMsunet;

  std::int64_t channels(std::int64_t level) const { return std::int64_t{1} << (wf + level); }
  /// Pixels that can influence an output pixel, in each direction, at the worst phase of the pooling grid.
  std::int64_t receptive_field_px() const;
};

/// The configuration of a checkpoint: its metadata where present, else what names and shapes of the tensors say.
/// `root` is the scope that holds `down_path.…`. @throws Error kMissingWeight when this is no HoverFast network,
/// kInvalidArgument for values that no HoverFast network has.
HoverFastConfig hoverfast_config(const weights::WeightScope& root, const std::map<std::string, std::string>& metadata);

/// The fields as JSON values, for reports.
std::map<std::string, std::string> config_json(const HoverFastConfig& config);

/// Where the network's keys start: "", "model_dict", "module" or both, as far as all names share it.
weights::WeightScope hoverfast_root(std::shared_ptr<const weights::StateDict> dict);
/// Whether the keys are those of a HoverFast network.
bool is_hoverfast(const weights::WeightScope& root);

/// The network with outputs "np" (probability of nucleus) and "hv" (horizontal, vertical) and the taps "logits",
/// "down_path.<i>", "up_path.<i>" and "up_path_m.<i>".
engine::Graph build_hoverfast(const weights::WeightScope& root, const HoverFastConfig& config);

}  // namespace histojet::models
