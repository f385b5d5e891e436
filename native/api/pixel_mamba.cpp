#include "histojet/pixel_mamba.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace histojet {
namespace {

constexpr std::int64_t kMostSquares = std::int64_t{1} << 28;

PixelMambaOcclusion occlusion_of(const models::PixelMamba& network, const models::RegionSource& regions,
                                 const explain::OcclusionOptions& options, const CancelToken& cancel) {
  const std::int64_t finest = options.finest_px > 0 ? options.finest_px : network.config().region_size_px / 4;
  const std::int64_t side = std::max<std::int64_t>(1, finest);
  if (models::region_count(regions.width_px(), side) > kMostSquares / models::region_count(regions.height_px(), side)) {
    throw Error(ErrorCode::kInvalidArgument,
                "finestPx: squares of " + std::to_string(side) + " px are too many on this picture; take larger ones");
  }
  PixelMambaOcclusion found{.occlusion = explain::occlude(network, regions, options, cancel)};
  found.columns = models::region_count(regions.width_px(), found.occlusion.finest_px);
  found.rows = models::region_count(regions.height_px(), found.occlusion.finest_px);
  found.falls = found.occlusion.grid(regions.width_px(), regions.height_px(), found.occlusion.finest_px);
  for (float& value : found.falls) value = -value;
  return found;
}

}  // namespace

PixelMambaModel PixelMambaModel::load(std::shared_ptr<const weights::StateDict> dict,
                                      const tokens::LayerOptions& options, const std::optional<std::string>& config) {
  if (!config) return PixelMambaModel(models::PixelMamba::load(std::move(dict), options));
  const models::PixelMambaConfig parsed = models::parse_pixel_mamba(*config);
  return PixelMambaModel(models::PixelMamba::load(std::move(dict), options, &parsed));
}

PixelMambaPrediction PixelMambaModel::predict(ImageView rgb, const models::PixelMambaRunOptions& options,
                                              const CancelToken& cancel) const {
  return {network_->run(models::PictureRegions(network_->config(), rgb), options, cancel), {}};
}

PixelMambaPrediction PixelMambaModel::predict(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                                              const models::PixelMambaRunOptions& options,
                                              const CancelToken& cancel) const {
  const pipeline::SlideRegions regions(slide.shared(), network_->config(), part, cancel);
  return {network_->run(regions, options, cancel), regions.notes()};
}

PixelMambaAttribution PixelMambaModel::attribute(ImageView rgb, const explain::AttributionOptions& options,
                                                 const CancelToken& cancel) const {
  const models::PictureRegions regions(network_->config(), rgb);
  return {explain::attribute(*network_, regions, options, cancel), {0, 0, rgb.width, rgb.height}, 1, 1, {}};
}

PixelMambaAttribution PixelMambaModel::attribute(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                                                 const explain::AttributionOptions& options,
                                                 const CancelToken& cancel) const {
  const pipeline::SlideRegions regions(slide.shared(), network_->config(), part, cancel);
  return {explain::attribute(*network_, regions, options, cancel), regions.part(), regions.scale_x(), regions.scale_y(),
          regions.notes()};
}

PixelMambaOcclusion PixelMambaModel::occlude(ImageView rgb, const explain::OcclusionOptions& options,
                                             const CancelToken& cancel) const {
  PixelMambaOcclusion found = occlusion_of(*network_, models::PictureRegions(network_->config(), rgb), options, cancel);
  found.part = {0, 0, rgb.width, rgb.height};
  return found;
}

PixelMambaOcclusion PixelMambaModel::occlude(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                                             const explain::OcclusionOptions& options,
                                             const CancelToken& cancel) const {
  const pipeline::SlideRegions regions(slide.shared(), network_->config(), part, cancel);
  PixelMambaOcclusion found = occlusion_of(*network_, regions, options, cancel);
  found.part = regions.part();
  found.scale_x = regions.scale_x();
  found.scale_y = regions.scale_y();
  found.warnings = regions.notes();
  return found;
}

explain::MapTest PixelMambaModel::test_map(ImageView rgb, const explain::RelevanceMap& map,
                                           const explain::PerturbationOptions& options,
                                           const CancelToken& cancel) const {
  return explain::test_map(*network_, models::PictureRegions(network_->config(), rgb), map, options, cancel);
}

explain::MapTest PixelMambaModel::test_map(const Slide& slide, const pipeline::SlideRegionsOptions& part,
                                           const explain::RelevanceMap& map,
                                           const explain::PerturbationOptions& options,
                                           const CancelToken& cancel) const {
  const pipeline::SlideRegions regions(slide.shared(), network_->config(), part, cancel);
  return explain::test_map(*network_, regions, map, options, cancel);
}

}  // namespace histojet
