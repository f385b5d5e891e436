#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "histojet/base.hpp"
#include "histojet/image.hpp"
#include "histojet/tensor.hpp"
#include "histojet/weights.hpp"
#include "models/mamba_mil.hpp"
#include "models/pixel_mamba/head.hpp"
#include "models/vision_mamba.hpp"
#include "models/vmamba.hpp"

namespace histojet {

/// The values that a network takes: (byte / 255 - mean) / std, for red, green and blue. By default those of ImageNet,
/// with which the published networks were trained.
struct PixelScale {
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> std{0.229F, 0.224F, 0.225F};
};

/// What a network says of one picture.
struct PicturePrediction {
  std::vector<float> features;        ///< what the head sees
  std::vector<float> logits;          ///< empty for a network without head
  std::vector<double> probabilities;  ///< softmax of the logits
};

/// A network that classifies pictures, Vision Mamba or VMamba, ready to run. Immutable and safe from any thread; copies
/// share the weights.
class PictureModel {
 public:
  /// @throws see models::VisionMamba::load; Error kUnsupportedFormat for a network of other than 3 channels.
  static PictureModel load_vision_mamba(std::shared_ptr<const weights::StateDict> dict,
                                        const models::VisionMambaOptions& options = {}, const PixelScale& scale = {});
  /// @throws see models::VMamba::load; Error kUnsupportedFormat for a network of other than 3 channels.
  static PictureModel load_vmamba(std::shared_ptr<const weights::StateDict> dict,
                                  const models::VMambaOptions& options = {}, const PixelScale& scale = {});

  const models::TokenNetworkInfo& info() const;
  std::int64_t num_classes() const;

  /// Pictures of three channels, one result each. `threads`: at most, 0 all; changes no bit of the results.
  /// @throws Error kShapeMismatch for a size that the network does not take, kInvalidArgument for a result that is no
  /// number; Cancelled.
  std::vector<PicturePrediction> predict(std::span<const Image> rgb, int threads = 0,
                                         const CancelToken& cancel = {}) const;
  /// Likewise from values on the network's scale, floating of any width: [pictures, 3, height, width].
  std::vector<PicturePrediction> predict(const Tensor& pictures, int threads = 0, const CancelToken& cancel = {}) const;

 private:
  struct Network;
  explicit PictureModel(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  std::shared_ptr<const Network> network_;
};

/// What MambaMIL says of one slide.
struct MilPrediction {
  std::vector<float> features;   ///< attention-weighted mean of the tiles' tokens
  std::vector<float> logits;     ///< [outputs]
  models::HeadResult head;       ///< `probabilities`, or for survival `hazards`, `survival` and `risk`
  std::vector<float> attention;  ///< per tile; the sum with `empty_attention` is 1
  double empty_attention = 0;    ///< 2DMamba: of the grid's cells without a tile
};

/// MambaMIL or 2DMambaMIL, ready to run. Immutable and safe from any thread; copies share the weights.
class MambaMilModel {
 public:
  /// @throws see models::MambaMil::load.
  static MambaMilModel load(std::shared_ptr<const weights::StateDict> dict,
                            const models::MambaMilOptions& options = {});

  const models::TokenNetworkInfo& info() const { return network_->info(); }
  const models::MambaMilConfig& config() const { return network_->config(); }

  /// features: [tiles, values], floating of any width, tiles in the order in which the network is to see them.
  /// `threads`: at most, 0 all; changes no bit of the result. @throws Error kShapeMismatch (no tiles, another number of
  /// values), kInvalidArgument for a feature or a result that is no number; Cancelled.
  ///
  /// coordinates: for 2DMamba, and for nothing else, x and y of each tile's upper left corner in px, [tiles, 2],
  /// numbers of any type. @throws further Error kShapeMismatch for another shape; kInvalidArgument naming the tile for
  /// a coordinate that is no number, negative or beyond the grid, and for two tiles in one cell.
  MilPrediction predict(const Tensor& features, int threads = 0, const CancelToken& cancel = {},
                        const Tensor* coordinates = nullptr) const;

 private:
  explicit MambaMilModel(std::shared_ptr<const models::MambaMil> network) : network_(std::move(network)) {}

  std::shared_ptr<const models::MambaMil> network_;
};

}  // namespace histojet
