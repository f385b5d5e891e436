#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/image.hpp"
#include "nuclei/outline_shape.hpp"
#include "pipeline/segment_slide.hpp"
#include "pipeline/slide_windows.hpp"
#include "pipeline/tiled_prediction.hpp"
#include "tiles/resample.hpp"

namespace histojet::pipeline {

/// Everything that the windows of one run share and that is fixed before the first one starts.
struct RunPlan {
  std::shared_ptr<const slide::Slide> slide;
  std::shared_ptr<const models::NucleiNetwork> network;
  SegmentSlideOptions options;  ///< as they are really used
  double mpp = 0;               ///< working resolution
  double scale_x = 1;           ///< level-0 pixels per working pixel
  double scale_y = 1;
  slide::Rect region;
  std::int64_t strip_windows = kLargestStrip;
  std::vector<std::string> notes;  ///< for the user

  bool as_stored() const { return scale_x == 1 && scale_y == 1; }
  /// How long a working pixel is: in micrometres where the slide tells its resolution, else in level-0 pixels.
  nuclei::LengthUnit length_unit() const;
  /// Results of a network that does not pad are the reference's with `compat`, else independent of tiles.
  TileMargin margin() const { return options.postprocess.compat ? TileMargin::kReference : TileMargin::kField; }
  /// Whether nuclei depend on how the network is tiled, and so on strips.
  bool tiles_matter() const { return !network->info().pads() && margin() == TileMargin::kReference; }
  TilePlan tiles_of(const Strip& strip) const;
};

/// Quick: reads nothing. @throws Error kInvalidArgument (see SlideRun::start).
RunPlan make_run_plan(std::shared_ptr<const slide::Slide> slide, std::shared_ptr<const models::NucleiNetwork> network,
                      const SegmentSlideOptions& options);

/// Takes fewer threads, shorter strips or smaller tiles when options.max_memory_bytes asks for it.
/// @throws Error kOutOfMemory, see fit_memory().
void fit_into_memory(RunPlan& plan);

/// All that shapes the result of a run, as text: two runs with the same one give the same nuclei, window by window.
/// Reads the slide for its fingerprint.
std::string identity_of(const RunPlan& plan);

/// The pixels of a strip with the network's margin around them; outside the slide lies background.
class StripPixels {
 public:
  StripPixels(const RunPlan& plan, const SlideWindows& windows, const Strip& strip, const TilePlan& tiles);
  Image read(const CancelToken& cancel) const;
  /// What read() takes from the slide.
  slide::RegionRequest source() const;

 private:
  slide::RegionRequest level_0() const;

  const RunPlan& plan_;
  tiles::ReadAtRequest window_;
};

}  // namespace histojet::pipeline
