#include "histojet/model.hpp"

#include <algorithm>
#include <cmath>

#include "models/patch_prediction.hpp"
#include "pipeline/measurements.hpp"
#include "tiles/haematoxylin.hpp"
#include "tiles/resample.hpp"

namespace histojet {

namespace {

/// Fresh memory costs time, on a virtual machine up to 3 ms per megabyte; but what a model holds while it does
/// nothing should stay moderate.
constexpr std::int64_t kKeptSessionBytes = std::int64_t{512} << 20;

/// Labels of the resampled picture, looked up at the pixel centres of the original one.
std::vector<std::int32_t> labels_at_size(const std::vector<std::int32_t>& labels, std::int64_t from_width,
                                         std::int64_t from_height, std::int64_t width, std::int64_t height) {
  std::vector<std::int32_t> result(static_cast<std::size_t>(width * height));
  for (std::int64_t y = 0; y < height; ++y) {
    const std::int64_t from_y = (2 * y + 1) * from_height / (2 * height);
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t from_x = (2 * x + 1) * from_width / (2 * width);
      result[static_cast<std::size_t>(y * width + x)] = labels[static_cast<std::size_t>(from_y * from_width + from_x)];
    }
  }
  return result;
}

/// How long a pixel of the network's input is, from the picture's micrometres per pixel (0: not told) and the network
/// pixels per picture pixel.
nuclei::LengthUnit unit_of(double mpp, double scale_x, double scale_y) {
  const double length = mpp > 0 ? mpp : 1;
  return {.x = length / scale_x, .y = length / scale_y, .metric = mpp > 0};
}

Image copy_of(ImageView rgb) {
  Image copy(rgb.width, rgb.height, rgb.channels);
  for (std::int64_t y = 0; y < rgb.height; ++y) std::copy_n(rgb.row(y), rgb.width * rgb.channels, copy.row(y));
  return copy;
}

}  // namespace

NucleiModel::NucleiModel(std::shared_ptr<const models::NucleiNetwork> network)
    : network_(std::move(network)), sessions_(std::make_shared<models::SessionPool>(network_, kKeptSessionBytes)) {}

NucleiModel NucleiModel::load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                        const models::LoadOptions& options) {
  return NucleiModel(models::load_hoverfast(std::move(dict), options));
}

NucleiModel NucleiModel::load_hovernet(std::shared_ptr<const weights::StateDict> dict,
                                       const models::LoadOptions& options) {
  return NucleiModel(models::load_hovernet(std::move(dict), options));
}

NucleiModel NucleiModel::load(std::shared_ptr<const weights::StateDict> dict, const models::LoadOptions& options) {
  return NucleiModel(models::load_nuclei_network(std::move(dict), options));
}

Maps NucleiModel::predict(ImageView rgb, const PredictOptions& options, const CancelToken& cancel) const {
  if (info().output_margin_px == 0) {
    if (options.patch_px == 0) return pipeline::predict_maps(*sessions_, rgb, options.stain, cancel);
    throw Error(ErrorCode::kInvalidArgument, info().architecture +
                                                 ": the network has no patches, its maps depend on "
                                                 "no cut; leave out the size of the patch");
  }
  if (options.stain == pipeline::Stain::kHe) {
    return models::predict_patches(*sessions_, rgb, options.patch_px, 0, cancel);
  }
  Image haematoxylin = copy_of(rgb);
  tiles::keep_haematoxylin(haematoxylin);
  return models::predict_patches(*sessions_, haematoxylin, options.patch_px, 0, cancel);
}

std::shared_ptr<pipeline::SlideRun> NucleiModel::segment_slide(const Slide& slide,
                                                               const pipeline::SegmentSlideOptions& options,
                                                               const CancelToken& cancel) const {
  return pipeline::SlideRun::start(slide.shared(), network_, options, cancel);
}

nuclei::PostprocessResult NucleiModel::segment(ImageView rgb, const SegmentImageOptions& options,
                                               const CancelToken& cancel) const {
  const double mpp = options.mpp > 0 ? options.mpp : info().mpp;
  const double scale = mpp / info().mpp;  // network pixels per picture pixel
  nuclei::PostprocessOptions postprocess = options.postprocess;
  if (options.min_area_um2) postprocess.min_area_px = *options.min_area_um2 / (info().mpp * info().mpp);
  // Half a pixel over 1000: below that no resampling can improve anything.
  if (std::abs(scale - 1) < 5e-4) {
    auto result = nuclei::postprocess(predict(rgb, {.stain = options.stain}, cancel), postprocess, cancel);
    if (options.measure) pipeline::measure_nuclei(result, rgb, options.stain, unit_of(options.mpp, 1, 1));
    result.nuclei.transform(1, 1, 0, 0, mpp * mpp);
    return result;
  }
  const auto width = std::max<std::int64_t>(1, std::llround(static_cast<double>(rgb.width) * scale));
  const auto height = std::max<std::int64_t>(1, std::llround(static_cast<double>(rgb.height) * scale));
  const double scale_x = static_cast<double>(width) / static_cast<double>(rgb.width);
  const double scale_y = static_cast<double>(height) / static_cast<double>(rgb.height);
  const Image resized = tiles::resize(rgb, width, height);
  auto result = nuclei::postprocess(predict(resized, {.stain = options.stain}, cancel), postprocess, cancel);
  if (options.measure) {
    pipeline::measure_nuclei(result, resized, options.stain, unit_of(options.mpp, scale_x, scale_y));
  }
  result.nuclei.transform(1 / scale_x, 1 / scale_y, 0, 0, info().mpp * info().mpp);
  result.labels = labels_at_size(result.labels, width, height, rgb.width, rgb.height);
  return result;
}

}  // namespace histojet
