#include "pipeline/predict_maps.hpp"

#include "base/error.hpp"
#include "pipeline/tiled_prediction.hpp"
#include "tiles/haematoxylin.hpp"

namespace histojet::pipeline {
namespace {

/// Index into [0, length) of position `i` on a line that is mirrored at both ends without repeating the end points.
std::int64_t reflected(std::int64_t i, std::int64_t length) {
  if (length == 1) return 0;
  const std::int64_t period = 2 * (length - 1);
  i %= period;
  if (i < 0) i += period;
  return i < length ? i : period - i;
}

/// The picture with a mirrored border: `margin` pixels before, whatever `height` and `width` leave after.
Image with_reflected_border(ImageView rgb, std::int64_t margin, std::int64_t height, std::int64_t width) {
  Image padded(width, height, 3);
  std::vector<std::int64_t> columns(static_cast<std::size_t>(width));
  for (std::int64_t x = 0; x < width; ++x) columns[x] = reflected(x - margin, rgb.width) * rgb.channels;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint8_t* source = rgb.row(reflected(y - margin, rgb.height));
    std::uint8_t* target = padded.row(y);
    for (std::int64_t x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) target[3 * x + c] = source[columns[x] + c];
    }
  }
  return padded;
}

}  // namespace

Maps predict_maps(models::SessionPool& sessions, ImageView rgb, Stain stain, const CancelToken& cancel) {
  if (rgb.width < 1 || rgb.height < 1 || rgb.channels < 3) {
    throw Error(ErrorCode::kInvalidArgument, "expected an RGB picture of at least 1 x 1 pixels, got " +
                                                 std::to_string(rgb.width) + " x " + std::to_string(rgb.height) +
                                                 " with " + std::to_string(rgb.channels) + " channels");
  }
  const models::NetworkInfo& network = sessions.network().info();
  const TilePlan plan = plan_tiles(network, rgb.height, rgb.width, network.slide_tile_px);
  Image input = with_reflected_border(rgb, plan.margin, plan.input_height(), plan.input_width());
  if (stain == Stain::kIhcDab) tiles::keep_haematoxylin(input);
  return predict_tiled(sessions, plan, input, rgb.height, rgb.width, 0, cancel);
}

}  // namespace histojet::pipeline
