#include "writers/heat_overlay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

constexpr int kSteps = 256;

void check(const Image& picture, const HeatLayer& layer) {
  if (picture.channels != 3) {
    throw Error(ErrorCode::kInvalidArgument,
                "heat overlay: expected a picture of 3 channels, got " + std::to_string(picture.channels));
  }
  const bool sane = layer.columns > 0 && layer.rows > 0 && layer.cell_width > 0 && layer.cell_height > 0;
  if (!sane) throw Error(ErrorCode::kInvalidArgument, "heat overlay: sizes must be above 0");
  const auto [columns, rows] = std::pair(static_cast<std::size_t>(layer.columns), static_cast<std::size_t>(layer.rows));
  if (layer.values.size() / columns != rows || layer.values.size() % columns != 0) {
    throw Error(ErrorCode::kShapeMismatch, "heat overlay: " + std::to_string(layer.values.size()) +
                                               " values, expected " + std::to_string(layer.columns) + " x " +
                                               std::to_string(layer.rows));
  }
}

/// Two neighbouring cells along one axis and how far a place lies towards the second one.
struct Between {
  std::int64_t first = 0;
  std::int64_t second = 0;
  double share = 0;
};

std::vector<Between> places(std::int64_t pixels, std::int64_t cells, double cell) {
  std::vector<Between> all(static_cast<std::size_t>(pixels));
  for (std::int64_t i = 0; i < pixels; ++i) {
    const double at = (static_cast<double>(i) + 0.5) / cell - 0.5;
    const auto below = static_cast<std::int64_t>(std::floor(at));
    const auto cut = [&](std::int64_t index) { return std::clamp<std::int64_t>(index, 0, cells - 1); };
    all[static_cast<std::size_t>(i)] = {cut(below), cut(below + 1), at - static_cast<double>(below)};
  }
  return all;
}

}  // namespace

void lay_heat_over(Image& picture, const HeatLayer& layer, const HeatOverlayOptions& options,
                   const CancelToken& cancel) {
  check(picture, layer);
  if (!(options.max > 0)) return;
  std::array<std::array<std::uint8_t, 3>, kSteps> colors{};
  for (int i = 0; i < kSteps; ++i) {
    colors[static_cast<std::size_t>(i)] = colormap_color(options.colormap, i / (kSteps - 1.0));
  }
  const auto columns = places(picture.width, layer.columns, layer.cell_width);
  const auto rows = places(picture.height, layer.rows, layer.cell_height);
  // What is empty must not pull its neighbours into emptiness: it counts as 0.
  const auto value = [&](std::int64_t row, std::int64_t column) {
    const float found = layer.values[static_cast<std::size_t>(row * layer.columns + column)];
    return found > 0 ? std::min(1.0, found / options.max) : 0.0;
  };
  for (std::int64_t y = 0; y < picture.height; ++y) {
    cancel.throw_if_cancelled();
    const Between& row = rows[static_cast<std::size_t>(y)];
    std::uint8_t* pixel = picture.row(y);
    for (std::int64_t x = 0; x < picture.width; ++x, pixel += 3) {
      const Between& column = columns[static_cast<std::size_t>(x)];
      const double upper = std::lerp(value(row.first, column.first), value(row.first, column.second), column.share);
      const double lower = std::lerp(value(row.second, column.first), value(row.second, column.second), column.share);
      const double position = std::lerp(upper, lower, row.share);
      const double opacity = options.opacity * position;
      const auto& color = colors[static_cast<std::size_t>(std::lround(position * (kSteps - 1)))];
      for (int c = 0; c < 3; ++c) {
        pixel[c] =
            static_cast<std::uint8_t>(std::lround(std::lerp(pixel[c], color[static_cast<std::size_t>(c)], opacity)));
      }
    }
  }
}

}  // namespace histojet::writers
