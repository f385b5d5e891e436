#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/pixel_mamba/region_source.hpp"
#include "slide/slide.hpp"
#include "tiles/region_announcer.hpp"
#include "tiles/scaled_read.hpp"
#include "tiles/tissue.hpp"

namespace histojet::pipeline {

struct SlideRegionsOptions {
  double mpp = 0;                           ///< resolution of the network's input; 0: what its configuration says
  std::optional<slide::Rect> region;        ///< level-0 pixels; default: the whole slide
  std::optional<tiles::TissueMask> tissue;  ///< goes before what the configuration says
  std::optional<bool> find_tissue;          ///< whether tissue is looked for; default: as the configuration says
  std::optional<double> min_tissue;         ///< least share of tissue; default: as the configuration says
};

/// The regions of a slide, or of a part of it, at a network's resolution, in the order of its tokens. The part's corner
/// is the first region's corner; regions whose share of tissue is below the least one are left out. Beyond the part
/// lies the configuration's pad value.
class SlideRegions final : public models::RegionSource {
 public:
  /// Looks for tissue when it is told to, which reads the whole slide at a low resolution. A slide without mpp is
  /// refused; plain PNG and JPEG pictures are taken to have the network's. @throws Error kInvalidArgument (no mpp, mpp
  /// out of range, region outside the slide, no mask for a network that wants one), what reading throws; Cancelled.
  SlideRegions(std::shared_ptr<const slide::Slide> slide, const models::PixelMambaConfig& config,
               const SlideRegionsOptions& options, const CancelToken& cancel);

  std::int64_t width_px() const override { return width_px_; }
  std::int64_t height_px() const override { return height_px_; }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override;
  bool has_tissue(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const override;
  bool has_mask() const override { return mask_.has_value(); }

  /// Working resolution, micrometres per pixel.
  double mpp() const { return mpp_; }
  /// Level-0 pixels per working pixel.
  double scale_x() const { return scale_x_; }
  double scale_y() const { return scale_y_; }
  /// The part of the slide that is looked at, level-0 pixels.
  const slide::Rect& part() const { return part_; }
  /// For the user.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void set_resolution(double wanted);
  void set_part(const std::optional<slide::Rect>& region);
  /// Share of tissue of the part's pixels in a square of working pixels.
  double tissue_share(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const;
  tiles::ScaledWindow window_of(tokens::GridCell cell) const;

  std::shared_ptr<const slide::Slide> slide_;
  std::int64_t region_px_;
  std::array<float, 3> pad_;
  models::PixelTable table_;
  double mpp_ = 0;
  double scale_x_ = 1;
  double scale_y_ = 1;
  slide::Rect part_;
  std::int64_t width_px_ = 0;
  std::int64_t height_px_ = 0;
  std::optional<tiles::TissueMask> mask_;
  std::vector<tokens::GridCell> regions_;
  std::vector<std::string> notes_;
  mutable std::unique_ptr<tiles::RegionAnnouncer> announcer_;
};

}  // namespace histojet::pipeline
