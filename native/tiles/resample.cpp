#include "tiles/resample.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "tiles/axis_filter.hpp"
#include "tiles/block_filter.hpp"
#include "tiles/scaled_read.hpp"

namespace histojet::tiles {
namespace {

ScaledWindow scaled_window(const slide::Slide& slide, const ReadAtRequest& request) {
  if (!slide.mpp()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        slide.path() + " does not say its micrometres per pixel; open it with an mpp of your own to read at one");
  }
  if (!(request.mpp > 0) || !std::isfinite(request.mpp)) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a positive mpp (micrometres per pixel), got " + std::to_string(request.mpp));
  }
  return {.x = request.x,
          .y = request.y,
          .width = request.width,
          .height = request.height,
          .scale_x = request.mpp / slide.mpp()->x,
          .scale_y = request.mpp / slide.mpp()->y,
          .channels = request.channels};
}

}  // namespace

Image read_at(const slide::Slide& slide, const ReadAtRequest& request, const CancelToken& cancel) {
  return read_scaled(slide, scaled_window(slide, request), cancel);
}

slide::RegionRequest source_region(const slide::Slide& slide, const ReadAtRequest& request) {
  return source_region(slide, scaled_window(slide, request));
}

Image resize(ImageView image, std::int64_t width, std::int64_t height) {
  if (image.width < 1 || image.height < 1 || width < 1 || height < 1 || width > (1LL << 30) / height) {
    throw Error(ErrorCode::kInvalidArgument, "cannot resize " + std::to_string(image.width) + " x " +
                                                 std::to_string(image.height) + " pixels to " + std::to_string(width) +
                                                 " x " + std::to_string(height));
  }
  if (image.channels != 1 && image.channels != 3 && image.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument, "expected 1, 3 or 4 channels, got " + std::to_string(image.channels));
  }
  Image out(width, height, image.channels);
  const auto ratio = [](std::int64_t from, std::int64_t to) {
    return AxisMapping{0, static_cast<double>(from) / static_cast<double>(to)};
  };
  const SourceReader source = [image](std::int64_t x, std::int64_t y, std::int64_t w, std::int64_t h, Image&) {
    return ImageView(image.row(y) + x * image.channels, w, h, image.channels, image.stride);
  };
  filter_image(source, make_axis_filter(ratio(image.width, width), width, image.width),
               make_axis_filter(ratio(image.height, height), height, image.height), out, {});
  return out;
}

Image thumbnail(const slide::Slide& slide, std::int64_t max_size, const CancelToken& cancel) {
  if (max_size < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected a thumbnail of at least 1 pixel, got " + std::to_string(max_size));
  }
  const double longer = static_cast<double>(std::max(slide.width(), slide.height()));
  const double shrink = std::max(1.0, longer / static_cast<double>(max_size));
  const auto shrunk = [shrink](std::int64_t length) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(length) / shrink));
  };
  const std::int64_t width = shrunk(slide.width());
  const std::int64_t height = shrunk(slide.height());
  return read_scaled(slide,
                     {.x = 0,
                      .y = 0,
                      .width = width,
                      .height = height,
                      .scale_x = static_cast<double>(slide.width()) / static_cast<double>(width),
                      .scale_y = static_cast<double>(slide.height()) / static_cast<double>(height)},
                     cancel);
}

}  // namespace histojet::tiles
