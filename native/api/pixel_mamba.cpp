#include "histojet/pixel_mamba.hpp"

namespace histojet {

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

}  // namespace histojet
