#include "nuclei/edge_strength.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nuclei/normalize.hpp"
#include "nuclei/sobel.hpp"

namespace histojet::nuclei {
namespace {

/// One derivative of the tile: its range over all pixels, its values at the pixels of the components in raster order.
struct Gradient {
  double range[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
  std::vector<double> values;
};

/// Only the components' values are kept: the whole plane in double would be the largest array of all.
Gradient gradient(const float* map, const Components& components, int taps, Axis axis, const CancelToken& cancel) {
  const std::int64_t height = components.height, width = components.width;
  const Normalization normalization(value_range({map, static_cast<std::size_t>(height * width)}));
  SobelRows sobel(taps, axis, height, width);
  Gradient found;
  found.values.reserve(static_cast<std::size_t>(pixel_count(components.runs)));
  std::vector<double> row(static_cast<std::size_t>(width));
  std::int64_t fed = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    if (y % 64 == 0) cancel.throw_if_cancelled();
    for (; fed < std::min(height, y + sobel.radius() + 1); ++fed) {
      normalization.apply({map + fed * width, static_cast<std::size_t>(width)}, sobel.input());
      sobel.feed();
    }
    sobel.derivative(y, row.data(), found.range);
    const auto starts = components.row_starts.begin() + y;
    for (std::size_t i = starts[0]; i < starts[1]; ++i) {
      const Run& run = components.runs[i];
      if (run.label != 0) found.values.insert(found.values.end(), row.begin() + run.start, row.begin() + run.end);
    }
  }
  return found;
}

}  // namespace

std::vector<float> edge_strength(const Maps& maps, const Components& components, int taps, Combination combination,
                                 const CancelToken& cancel) {
  const std::int64_t pixels = maps.height * maps.width;
  const Gradient horizontal = gradient(maps.hv.data(), components, taps, Axis::kX, cancel);
  const Gradient vertical = gradient(maps.hv.data() + pixels, components, taps, Axis::kY, cancel);
  const Normalization across({horizontal.range[0], horizontal.range[1]}), down({vertical.range[0], vertical.range[1]});
  std::vector<float> strength(static_cast<std::size_t>(pixels), 1.0f);
  std::size_t next = 0;
  for (const Run& run : components.runs) {
    if (run.label == 0) continue;
    float* out = strength.data() + run.row * maps.width;
    for (std::int32_t x = run.start; x < run.end; ++x, ++next) {
      const float s_h = 1.0f - across(horizontal.values[next]), s_v = 1.0f - down(vertical.values[next]);
      const float both = combination == Combination::kMaximum ? std::max(s_h, s_v) : std::sqrt(s_h * s_h + s_v * s_v);
      out[x] = both > 0.0f ? both : 0.0f;
    }
  }
  return strength;
}

std::vector<float> finite_hv(const Maps& maps) {
  if (all_finite(maps.hv)) return {};
  std::vector<float> clean = maps.hv;
  for (float& value : clean) value = std::isfinite(value) ? value : 0.0f;
  return clean;
}

}  // namespace histojet::nuclei
