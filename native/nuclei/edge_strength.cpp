#include "nuclei/edge_strength.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "nuclei/normalize.hpp"
#include "nuclei/sobel.hpp"

namespace histojet::nuclei {
namespace {

/// One derivative of the tile: its range over all pixels, its values at the pixels of the components in raster order.
struct Gradient {
  ValueRange range{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
  std::vector<double> values;
};

/// Several independent minima, so that no chain of comparisons limits the speed.
void widen(ValueRange& range, const std::vector<double>& values) {
  constexpr std::size_t kLanes = 8;
  double low[kLanes], high[kLanes];
  std::fill(low, low + kLanes, range.low);
  std::fill(high, high + kLanes, range.high);
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      low[k] = std::min(low[k], values[i + k]);
      high[k] = std::max(high[k], values[i + k]);
    }
  }
  for (; i < values.size(); ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  range = {*std::min_element(low, low + kLanes), *std::max_element(high, high + kLanes)};
}

/// Only the components' values are kept: the whole plane in double would be the largest array of all.
Gradient gradient(const float* map, const Components& components, int taps, Axis axis, const CancelToken& cancel) {
  const std::int64_t height = components.height, width = components.width;
  const Normalization normalization(value_range({map, static_cast<std::size_t>(height * width)}));
  SobelRows sobel(taps, axis, height, width);
  Gradient found;
  std::vector<float> normalized(static_cast<std::size_t>(width));
  std::vector<double> row(static_cast<std::size_t>(width));
  std::int64_t fed = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    if (y % 64 == 0) cancel.throw_if_cancelled();
    for (; fed < std::min(height, y + sobel.radius() + 1); ++fed) {
      normalization.apply({map + fed * width, static_cast<std::size_t>(width)}, normalized.data());
      sobel.feed(normalized.data());
    }
    sobel.derivative(y, row.data());
    widen(found.range, row);
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
  const Normalization across(horizontal.range), down(vertical.range);
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
  // All exponent bits set: infinity or NaN. Integers, because a branch per value costs more than the whole check.
  constexpr std::uint32_t kExponent = 0x7f800000u;
  std::uint32_t found = 0;
  for (const float value : maps.hv) {
    found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent);
  }
  if (found == 0) return {};
  std::vector<float> clean = maps.hv;
  for (float& value : clean) value = std::isfinite(value) ? value : 0.0f;
  return clean;
}

}  // namespace histojet::nuclei
