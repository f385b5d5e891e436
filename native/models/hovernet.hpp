#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "models/nuclei_network.hpp"
#include "weights/state_dict.hpp"

namespace histojet::models {

enum class HoverNetMode {
  kFast,      ///< patches of 256 px to maps of 164 px, decoders with 3 x 3 convolutions
  kOriginal,  ///< patches of 270 px to maps of 80 px, decoders with 5 x 5 convolutions
};

/// Hyper-parameters of HoVer-Net, named as in its code.
struct HoverNetConfig {
  HoverNetMode mode = HoverNetMode::kFast;
  std::int64_t nr_types = 0;  ///< classes of nuclei with background as class 0; 0: a network without types

  /// Window of the decoders' convolutions.
  std::int64_t kernel() const { return mode == HoverNetMode::kFast ? 3 : 5; }
  /// The reference's patch.
  std::int64_t patch_px() const { return mode == HoverNetMode::kFast ? 256 : 270; }
  /// Pixels that the maps are smaller than the patch, on each side.
  std::int64_t output_margin_px() const { return mode == HoverNetMode::kFast ? 46 : 95; }
  /// How far a pixel of the maps sees, at most (to the right and below; to the left and above a little less): padding
  /// in the encoder reaches the maps from there. Follows from the kernels and strides of the paper's figure 3.
  std::int64_t receptive_field_px() const { return mode == HoverNetMode::kFast ? 109 : 156; }
  /// The product of the strides: maps shift with the picture by multiples of this only.
  static constexpr std::int64_t kStride_px = 8;
  /// Pixels that the first convolution takes off a side, both ends together.
  std::int64_t stem_loss_px() const { return mode == HoverNetMode::kFast ? 0 : 6; }
};

/// The mode from the window of `decoder.np.u3.conva.weight`, nr_types from `decoder.tp.u0.conv.weight`; metadata
/// (`mode`, `nr_types`, `input_ch`), where present, must agree. @throws Error kMissingWeight when this is no HoVer-Net,
/// kUnsupportedFormat for HoVer-Net+ (by its decoder `ls`), kShapeMismatch, kInvalidArgument (metadata).
HoverNetConfig hovernet_config(const weights::WeightScope& root, const std::map<std::string, std::string>& metadata);

/// The fields as JSON values, for reports.
std::map<std::string, std::string> config_json(const HoverNetConfig& config);

/// Names and colours of the `nr_types` classes: metadata `type_info` (JSON: id to [name, [red, green, blue]]), else
/// PanNuke's for 6 classes, else "type 1", "type 2", …: networks of one class count were trained on different data, so
/// the count alone says little. @throws Error kInvalidArgument for a `type_info` that is none.
std::vector<NucleusType> hovernet_types(std::int64_t nr_types, const std::map<std::string, std::string>& metadata);

/// Where the network's keys start: "", "desc", "module" or both, as far as all names share it.
weights::WeightScope hovernet_root(std::shared_ptr<const weights::StateDict> dict);
/// Whether the keys are those of a HoVer-Net.
bool is_hovernet(const weights::WeightScope& root);

/// The network with outputs "np" (probability of nucleus), "hv" (horizontal, vertical) and, with types, "tp" (number of
/// the class), and the taps "conv0", "d0" … "d3", "conv_bot" and per decoder "decoder.<np|hv|tp>.u3", "u2", "u1" and
/// "u0" (values before softmax). Pictures must have sides that NetworkInfo allows.
engine::Graph build_hovernet(const weights::WeightScope& root, const HoverNetConfig& config);

}  // namespace histojet::models
