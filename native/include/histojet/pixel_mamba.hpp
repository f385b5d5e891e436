#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/pixel_attribution.hpp"
#include "histojet/base.hpp"
#include "histojet/image.hpp"
#include "histojet/slide.hpp"
#include "histojet/weights.hpp"
#include "models/pixel_mamba.hpp"
#include "pipeline/slide_regions.hpp"

namespace histojet {

/// What a network says, and what the user should know of how it came about.
struct PixelMambaPrediction {
  models::PixelMambaResult result;
  std::vector<std::string> warnings;
};

/// Which parts of a picture or slide a result comes from, and where the maps lie.
struct PixelMambaAttribution {
  explain::Attribution attribution;
  slide::Rect part;    ///< level-0 pixels, or pixels of the picture
  double scale_x = 1;  ///< level-0 pixels per pixel of the maps' `token_px`
  double scale_y = 1;
  std::vector<std::string> warnings;
};

/// A network over all pixels of a slide, definition `pixel-mamba/1`, ready to run on pictures and slides. Immutable and
/// safe from any thread; copies share the weights.
class PixelMambaModel {
 public:
  /// `config`: the configuration as JSON; nothing: the checkpoint's own. @throws see models::PixelMamba::load.
  static PixelMambaModel load(std::shared_ptr<const weights::StateDict> dict, const tokens::LayerOptions& options = {},
                              const std::optional<std::string>& config = {});

  const models::PixelMamba& network() const { return *network_; }

  /// A picture at the network's resolution. @throws see models::PixelMamba::run.
  PixelMambaPrediction predict(ImageView rgb, const models::PixelMambaRunOptions& options = {},
                               const CancelToken& cancel = {}) const;
  /// A slide or a part of it. @throws see models::PixelMamba::run and pipeline::SlideRegions.
  PixelMambaPrediction predict(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                               const models::PixelMambaRunOptions& options = {}, const CancelToken& cancel = {}) const;

  /// @throws see explain::attribute.
  PixelMambaAttribution attribute(ImageView rgb, const explain::AttributionOptions& options = {},
                                  const CancelToken& cancel = {}) const;
  PixelMambaAttribution attribute(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                                  const explain::AttributionOptions& options = {},
                                  const CancelToken& cancel = {}) const;

 private:
  explicit PixelMambaModel(std::shared_ptr<const models::PixelMamba> network) : network_(std::move(network)) {}
  std::shared_ptr<const models::PixelMamba> network_;
};

}  // namespace histojet
