#include "models/patch_prediction.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace histojet::models {

namespace {

/// Index into [0, length) of position `i` on a line that is mirrored at both ends without repeating the end points.
std::int64_t mirrored(std::int64_t i, std::int64_t length) {
  if (length == 1) return 0;
  const std::int64_t period = 2 * (length - 1);
  i %= period;
  if (i < 0) i += period;
  return i < length ? i : period - i;
}

/// The square patch whose corner lies at (left, top) of the mirrored picture, which may be outside of it.
void cut_patch(ImageView rgb, std::int64_t left, std::int64_t top, Image& patch) {
  std::vector<std::int64_t> columns(static_cast<std::size_t>(patch.width));
  for (std::int64_t x = 0; x < patch.width; ++x) {
    columns[static_cast<std::size_t>(x)] = mirrored(left + x, rgb.width) * rgb.channels;
  }
  for (std::int64_t y = 0; y < patch.height; ++y) {
    const std::uint8_t* source = rgb.row(mirrored(top + y, rgb.height));
    std::uint8_t* target = patch.row(y);
    for (const std::int64_t column : columns) target = std::copy_n(source + column, 3, target);
  }
}

/// Copies the maps of one patch, as far as they lie inside the picture, to their place.
void place(const Maps& patch, std::int64_t left, std::int64_t top, Maps& whole) {
  const std::int64_t rows = std::min(patch.height, whole.height - top);
  const std::int64_t columns = std::min(patch.width, whole.width - left);
  const auto copy = [&](const auto& from, auto& to, std::int64_t plane) {
    for (std::int64_t y = 0; y < rows; ++y) {
      const auto source = from.begin() + (plane * patch.height + y) * patch.width;
      std::copy(source, source + columns, to.begin() + (plane * whole.height + top + y) * whole.width + left);
    }
  };
  copy(patch.np, whole.np, 0);
  copy(patch.hv, whole.hv, 0);
  copy(patch.hv, whole.hv, 1);
  if (!patch.tp.empty()) copy(patch.tp, whole.tp, 0);
}

Maps empty_maps(std::int64_t height, std::int64_t width, bool typed) {
  const auto pixels = static_cast<std::size_t>(height * width);
  Maps maps;
  maps.height = height;
  maps.width = width;
  maps.np.resize(pixels);
  maps.hv.resize(2 * pixels);
  if (typed) maps.tp.resize(pixels);
  return maps;
}

}  // namespace

Maps predict_patches(SessionPool& sessions, ImageView rgb, std::int64_t side_px, int max_threads,
                     const CancelToken& cancel) {
  if (rgb.width < 1 || rgb.height < 1 || rgb.channels < 3) {
    throw Error(ErrorCode::kInvalidArgument, "expected an RGB picture of at least 1 x 1 pixels, got " +
                                                 std::to_string(rgb.width) + " x " + std::to_string(rgb.height) +
                                                 " with " + std::to_string(rgb.channels) + " channels");
  }
  const NucleiNetwork& network = sessions.network();
  const NetworkInfo& info = network.info();
  const std::int64_t side = side_px > 0 ? side_px : info.default_tile_px;
  auto session = sessions.take(side, side);
  const std::int64_t margin = info.output_margin_px;
  const std::int64_t step = side - 2 * margin;
  Maps whole = empty_maps(rgb.height, rgb.width, !info.types.empty());
  Image patch(side, side, 3);
  Maps maps;
  for (std::int64_t top = 0; top < rgb.height; top += step) {
    for (std::int64_t left = 0; left < rgb.width; left += step) {
      cut_patch(rgb, left - margin, top - margin, patch);
      network.predict(*session, patch, maps, max_threads, cancel);
      place(maps, left, top, whole);
    }
  }
  sessions.give_back(side, side, std::move(session));
  return whole;
}

}  // namespace histojet::models
