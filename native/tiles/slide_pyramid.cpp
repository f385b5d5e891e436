#include "tiles/slide_pyramid.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "tiles/scaled_read.hpp"

namespace histojet::tiles {
namespace {

slide::Rect cut_to_slide(const slide::Slide& slide, const std::optional<slide::Rect>& wanted) {
  const slide::Rect whole{0, 0, slide.width(), slide.height()};
  if (!wanted) return whole;
  const slide::Rect& r = *wanted;
  const std::int64_t left = std::clamp<std::int64_t>(r.x, 0, whole.width);
  const std::int64_t top = std::clamp<std::int64_t>(r.y, 0, whole.height);
  const bool sane = r.width > 0 && r.height > 0 && r.x < whole.width && r.y < whole.height && r.x > -(1LL << 40) &&
                    r.y > -(1LL << 40) && r.width < (1LL << 40) && r.height < (1LL << 40);
  if (!sane || r.x + r.width <= 0 || r.y + r.height <= 0) {
    throw Error(ErrorCode::kInvalidArgument, "the region at " + std::to_string(r.x) + ", " + std::to_string(r.y) +
                                                 " lies outside the slide of " + std::to_string(whole.width) + " x " +
                                                 std::to_string(whole.height) + " pixels");
  }
  return {left, top, std::min(r.x + r.width, whole.width) - left, std::min(r.y + r.height, whole.height) - top};
}

}  // namespace

SlideSource::SlideSource(const slide::Slide& slide, const SlideCopyOptions& options, const CancelToken& cancel)
    : slide_(slide), cancel_(cancel), region_(cut_to_slide(slide, options.region)) {
  const auto levels = static_cast<int>(slide.levels().size());
  if (options.level && (*options.level < 0 || *options.level >= levels)) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a level from 0 to " + std::to_string(levels - 1) + ", got " + std::to_string(*options.level));
  }
  if (options.level && options.mpp) throw Error(ErrorCode::kInvalidArgument, "expected a level or an mpp, got both");
  if (slide.mpp()) mpp_x_ = slide.mpp()->x, mpp_y_ = slide.mpp()->y;
  const bool same = mpp_x_ > 0 && options.mpp && *options.mpp == mpp_x_ && *options.mpp == mpp_y_;
  if (mpp_x_ > 0 && options.mpp && !same) {
    resample(*options.mpp);
    return;
  }
  copy_level(options.level.value_or(0));
  if (options.mpp) mpp_x_ = mpp_y_ = *options.mpp;
}

void SlideSource::copy_level(int index) {
  const slide::Level& level = slide_.levels()[static_cast<std::size_t>(index)];
  const auto scaled = [&](std::int64_t position) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(position) / level.downsample + 1e-6));
  };
  level_ = index;
  left_ = std::min(scaled(region_.x), level.width - 1);
  top_ = std::min(scaled(region_.y), level.height - 1);
  const bool to_right = region_.x + region_.width == slide_.width();
  const bool to_bottom = region_.y + region_.height == slide_.height();
  const std::int64_t right = to_right ? level.width : std::min(level.width, scaled(region_.x + region_.width));
  const std::int64_t bottom = to_bottom ? level.height : std::min(level.height, scaled(region_.y + region_.height));
  width_ = std::max<std::int64_t>(1, right - left_);
  height_ = std::max<std::int64_t>(1, bottom - top_);
  mpp_x_ *= static_cast<double>(slide_.width()) / static_cast<double>(level.width);
  mpp_y_ *= static_cast<double>(slide_.height()) / static_cast<double>(level.height);
}

void SlideSource::resample(double mpp) {
  scale_x_ = mpp / mpp_x_;
  scale_y_ = mpp / mpp_y_;
  // Halves are rounded down: the centre of the last pixel must lie on the slide.
  const auto scaled = [](std::int64_t length, double scale) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(length) / scale - 0.5)));
  };
  width_ = scaled(region_.width, scale_x_);
  height_ = scaled(region_.height, scale_y_);
  mpp_x_ = mpp_y_ = mpp;
}

void SlideSource::describe(slide::PyramidOptions& options) const {
  options.width = width_;
  options.height = height_;
  options.mpp = mpp_x_;
  options.mpp_y = mpp_y_;
  options.icc_profile = slide_.icc_profile().value_or(std::vector<std::uint8_t>{});
}

Image SlideSource::read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  if (!level_) {
    return read_scaled(slide_,
                       {.x = static_cast<double>(region_.x) + static_cast<double>(x) * scale_x_,
                        .y = static_cast<double>(region_.y) + static_cast<double>(y) * scale_y_,
                        .width = width,
                        .height = height,
                        .scale_x = scale_x_,
                        .scale_y = scale_y_},
                       cancel_);
  }
  slide::RegionRequest request;
  request.x = left_ + x;
  request.y = top_ + y;
  request.width = width;
  request.height = height;
  request.level = *level_;
  request.level_coordinates = true;
  return slide_.read_region(request, cancel_);
}

}  // namespace histojet::tiles
