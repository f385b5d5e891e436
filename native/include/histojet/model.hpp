#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "histojet/base.hpp"
#include "histojet/nuclei.hpp"
#include "histojet/slide.hpp"
#include "histojet/tensor.hpp"
#include "histojet/weights.hpp"
#include "models/nuclei_network.hpp"
#include "pipeline/segment_slide.hpp"

namespace histojet {

/// How one picture is segmented.
struct SegmentImageOptions {
  nuclei::PostprocessOptions postprocess;
  std::optional<double> min_area_um2;  ///< replaces postprocess.min_area_px
  double mpp = 0;                      ///< of the picture; 0: the network's own
  pipeline::Stain stain = pipeline::Stain::kHe;
};

/// A nuclei network ready to run: on tiles, on pictures, on whole slides. Immutable and safe from any thread; copies
/// share the weights.
class NucleiModel {
 public:
  /// Loads a HoverFast network. @throws Error kMissingWeight, kShapeMismatch.
  static NucleiModel load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                    const models::LoadOptions& options = {});
  explicit NucleiModel(std::shared_ptr<const models::NucleiNetwork> network) : network_(std::move(network)) {}

  const models::NetworkInfo& info() const { return network_->info(); }
  std::string describe(std::int64_t height, std::int64_t width) const { return network_->describe(height, width); }

  /// Raw maps [height, width] of one picture of any size.
  Maps predict(ImageView rgb, pipeline::Stain stain, const CancelToken& cancel = {}) const {
    return pipeline::predict_maps(network_, rgb, stain, cancel);
  }
  /// Nuclei of one picture: coordinates in pixels of the picture, areas in square micrometres. A picture whose mpp is
  /// not the network's is resampled for the network; labels and coordinates are those of the picture all the same.
  nuclei::PostprocessResult segment(ImageView rgb, const SegmentImageOptions& options,
                                    const CancelToken& cancel = {}) const;
  /// See pipeline::SlideRun::start.
  std::shared_ptr<pipeline::SlideRun> segment_slide(const Slide& slide, const pipeline::SegmentSlideOptions& options,
                                                    const CancelToken& cancel = {}) const {
    return pipeline::SlideRun::start(slide.shared(), network_, options, cancel);
  }

 private:
  std::shared_ptr<const models::NucleiNetwork> network_;
};

}  // namespace histojet
