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
#include "models/session_pool.hpp"
#include "pipeline/segment_slide.hpp"

namespace histojet {

/// How raw maps of one picture are made.
struct PredictOptions {
  pipeline::Stain stain = pipeline::Stain::kHe;
  /// Side of the patches of a network that does not pad (HoVer-Net), 0: the reference's, 256 or 270 px. Larger ones
  /// cost less per pixel and give slightly different maps.
  std::int64_t patch_px = 0;
};

/// How one picture is segmented.
struct SegmentImageOptions {
  nuclei::PostprocessOptions postprocess;
  std::optional<double> min_area_um2;  ///< replaces postprocess.min_area_px
  double mpp = 0;                      ///< of the picture; 0: the network's own
  pipeline::Stain stain = pipeline::Stain::kHe;
  bool measure = false;  ///< nuclei carry the columns of pipeline::measure_nuclei()
};

/// A nuclei network ready to run: on tiles, on pictures, on whole slides. Safe from any thread; copies
/// share the weights, and the memory that predict() keeps for a picture of the same size.
class NucleiModel {
 public:
  /// Loads a HoverFast network. @throws Error kMissingWeight, kShapeMismatch.
  static NucleiModel load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                    const models::LoadOptions& options = {});
  /// Loads a HoVer-Net. @throws see models::load_hovernet.
  static NucleiModel load_hovernet(std::shared_ptr<const weights::StateDict> dict,
                                   const models::LoadOptions& options = {});
  /// Loads whichever of them the checkpoint holds. @throws Error kMissingWeight when it holds none.
  static NucleiModel load(std::shared_ptr<const weights::StateDict> dict, const models::LoadOptions& options = {});
  explicit NucleiModel(std::shared_ptr<const models::NucleiNetwork> network);

  const models::NetworkInfo& info() const { return network_->info(); }
  std::string describe(std::int64_t height, std::int64_t width) const { return network_->describe(height, width); }

  /// Raw maps [height, width] of one picture of any size. @throws Error kInvalidArgument for a patch that the network
  /// does not take.
  Maps predict(ImageView rgb, const PredictOptions& options = {}, const CancelToken& cancel = {}) const;
  /// Nuclei of one picture: coordinates in pixels of the picture, areas in square micrometres. A picture whose mpp is
  /// not the network's is resampled for the network; labels and coordinates are those of the picture all the same.
  nuclei::PostprocessResult segment(ImageView rgb, const SegmentImageOptions& options,
                                    const CancelToken& cancel = {}) const;
  /// See pipeline::SlideRun::start.
  std::shared_ptr<pipeline::SlideRun> segment_slide(const Slide& slide, const pipeline::SegmentSlideOptions& options,
                                                    const CancelToken& cancel = {}) const;

 private:
  std::shared_ptr<const models::NucleiNetwork> network_;
  std::shared_ptr<models::SessionPool> sessions_;  ///< of predict() and segment()
};

}  // namespace histojet
