#include "pipeline/slide_regions.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/json_value.hpp"

namespace histojet::pipeline {
namespace {

constexpr double kMaskMpp = 8;
/// A slide this near to the wanted resolution is read as it is: no filter, no loss, no time.
constexpr double kSameResolution = 0.01;

std::int64_t working_pixels(std::int64_t length, double scale) {
  return std::max<std::int64_t>(1, std::llround(static_cast<double>(length) / scale));
}

}  // namespace

SlideRegions::SlideRegions(std::shared_ptr<const slide::Slide> slide, const models::PixelMambaConfig& config,
                           const SlideRegionsOptions& options, const CancelToken& cancel)
    : slide_(std::move(slide)), region_px_(config.region_size_px), pad_(config.pad_value), table_(config) {
  set_resolution(options.mpp > 0 ? options.mpp : config.mpp);
  set_part(options.region);
  mask_ = options.tissue;
  const bool wanted = options.find_tissue.value_or(config.tissue == models::TissueRule::kOtsu);
  if (!mask_ && wanted) mask_ = tiles::find_tissue(*slide_, kMaskMpp, cancel);
  if (!mask_ && !options.find_tissue && config.tissue == models::TissueRule::kProvided) {
    throw Error(ErrorCode::kInvalidArgument,
                "tissue: this network looks at tissue that the caller names; pass a mask, or say that none is wanted");
  }
  const double least = options.min_tissue.value_or(config.min_tissue);
  for (const tokens::GridCell cell : models::all_regions(config, width_px_, height_px_)) {
    const bool kept = !mask_ || tissue_share(cell.column * region_px_, cell.row * region_px_, region_px_) >= least;
    if (kept) regions_.push_back(cell);
  }
  announcer_ = std::make_unique<tiles::RegionAnnouncer>(
      *slide_, static_cast<std::int64_t>(regions_.size()), [this](std::int64_t index) {
        return tiles::source_region(*slide_, window_of(regions_[static_cast<std::size_t>(index)]));
      });
}

void SlideRegions::set_resolution(double wanted) {
  mpp_ = wanted;
  if (!(mpp_ >= 0.05 && mpp_ <= 100)) {
    throw Error(ErrorCode::kInvalidArgument,
                "mpp: expected a resolution from 0.05 to 100 micrometres per pixel, got " + json_number(mpp_));
  }
  const auto& known = slide_->mpp();
  if (!known) {
    if (slide_->format() != "png" && slide_->format() != "jpeg") {
      throw Error(ErrorCode::kInvalidArgument,
                  slide_->path() + ": the slide does not say its micrometres per pixel; pass `mpp` when you open it");
    }
    notes_.push_back("the picture does not say its micrometres per pixel and is taken to have " + json_number(mpp_));
    return;
  }
  scale_x_ = mpp_ / known->x;
  scale_y_ = mpp_ / known->y;
  if (std::abs(scale_x_ - 1) < kSameResolution && std::abs(scale_y_ - 1) < kSameResolution) {
    scale_x_ = scale_y_ = 1;
    mpp_ = std::sqrt(known->x * known->y);
  } else if (scale_x_ < 1 - kSameResolution) {
    notes_.push_back("the slide has " + json_number(known->x) + " micrometres per pixel and is enlarged to " +
                     json_number(mpp_) + " for the network");
  }
}

void SlideRegions::set_part(const std::optional<slide::Rect>& region) {
  const slide::Rect whole{0, 0, slide_->width(), slide_->height()};
  const slide::Rect r = region.value_or(whole);
  const bool apart =
      r.x >= whole.width || r.y >= whole.height || r.width <= 0 || r.height <= 0 || r.x <= -r.width || r.y <= -r.height;
  if (apart) {
    throw Error(ErrorCode::kInvalidArgument, "region: expected a rectangle inside the slide of " +
                                                 std::to_string(whole.width) + " x " + std::to_string(whole.height) +
                                                 " px, got x " + std::to_string(r.x) + ", y " + std::to_string(r.y) +
                                                 ", " + std::to_string(r.width) + " x " + std::to_string(r.height));
  }
  part_.x = std::max<std::int64_t>(r.x, 0);
  part_.y = std::max<std::int64_t>(r.y, 0);
  // Written so that no sum of what the caller gave can overflow.
  part_.width = std::min(whole.width - part_.x, r.width - (part_.x - r.x));
  part_.height = std::min(whole.height - part_.y, r.height - (part_.y - r.y));
  width_px_ = working_pixels(part_.width, scale_x_);
  height_px_ = working_pixels(part_.height, scale_y_);
}

double SlideRegions::tissue_share(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const {
  const auto columns = static_cast<double>(std::min(side_px, width_px_ - x_px));
  const auto rows = static_cast<double>(std::min(side_px, height_px_ - y_px));
  return mask_->share(static_cast<double>(part_.x) + static_cast<double>(x_px) * scale_x_,
                      static_cast<double>(part_.y) + static_cast<double>(y_px) * scale_y_, columns * scale_x_,
                      rows * scale_y_);
}

bool SlideRegions::has_tissue(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const {
  return !mask_ || tissue_share(x_px, y_px, side_px) > 0;
}

tiles::ScaledWindow SlideRegions::window_of(tokens::GridCell cell) const {
  const std::int64_t x = cell.column * region_px_, y = cell.row * region_px_;
  return {.x = static_cast<double>(part_.x) + static_cast<double>(x) * scale_x_,
          .y = static_cast<double>(part_.y) + static_cast<double>(y) * scale_y_,
          .width = std::min(region_px_, width_px_ - x),
          .height = std::min(region_px_, height_px_ - y),
          .scale_x = scale_x_,
          .scale_y = scale_y_};
}

void SlideRegions::read(std::int64_t index, float* out, const CancelToken& cancel) const {
  announcer_->before(index, cancel);
  const Image pixels = tiles::read_scaled(*slide_, window_of(regions_.at(static_cast<std::size_t>(index))), cancel);
  for (std::int64_t row = 0; row < region_px_; ++row) {
    float* to = out + 3 * region_px_ * row;
    const std::int64_t inside = row < pixels.height ? pixels.width : 0;
    if (inside > 0) table_.convert(pixels.row(row), inside, to);
    for (std::int64_t x = inside; x < region_px_; ++x) std::copy_n(pad_.begin(), 3, to + 3 * x);
  }
}

}  // namespace histojet::pipeline
