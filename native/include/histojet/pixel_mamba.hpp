#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/occlusion.hpp"
#include "explain/perturbation.hpp"
#include "explain/pixel_attribution.hpp"
#include "histojet/base.hpp"
#include "histojet/image.hpp"
#include "histojet/slide.hpp"
#include "histojet/weights.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
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

/// What changes when squares of a picture or slide are covered, and where the map of it lies.
struct PixelMambaOcclusion {
  explain::Occlusion occlusion;
  /// Falls of the score on a grid of squares of `occlusion.finest_px`, NaN where nothing was looked at: what speaks for
  /// the output is above 0. See explain::Occlusion::grid.
  std::vector<float> falls;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  slide::Rect part;    ///< level-0 pixels, or pixels of the picture
  double scale_x = 1;  ///< level-0 pixels per pixel of the network's resolution
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

  /// @throws see explain::occlude; Error kInvalidArgument for a grid of more than 2^28 squares.
  PixelMambaOcclusion occlude(ImageView rgb, const explain::OcclusionOptions& options = {},
                              const CancelToken& cancel = {}) const;
  PixelMambaOcclusion occlude(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                              const explain::OcclusionOptions& options = {}, const CancelToken& cancel = {}) const;

  /// Holds a map of this picture, or of this part of a slide, against random orders. @throws see explain::test_map.
  explain::MapTest test_map(ImageView rgb, const explain::RelevanceMap& map,
                            const explain::PerturbationOptions& options = {}, const CancelToken& cancel = {}) const;
  explain::MapTest test_map(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                            const explain::RelevanceMap& map, const explain::PerturbationOptions& options = {},
                            const CancelToken& cancel = {}) const;

 private:
  explicit PixelMambaModel(std::shared_ptr<const models::PixelMamba> network) : network_(std::move(network)) {}
  std::shared_ptr<const models::PixelMamba> network_;
};

}  // namespace histojet
