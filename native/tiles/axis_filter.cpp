#include "tiles/axis_filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace histojet::tiles {
namespace {

/// Edges that miss a whole pixel by rounding noise alone would drag in a pixel of weight 1e-9.
double settle(double edge) {
  const double whole = std::round(edge);
  return std::abs(edge - whole) < 1e-6 ? whole : edge;
}

double position(const AxisMapping& mapping, std::int64_t output, double within) {
  const double cells = static_cast<double>(mapping.phase_q16 + output * 65536) / 65536.0;
  return (cells + within) * mapping.ratio;
}

double keys_cubic(double distance) {
  constexpr double kA = -0.5;
  const double d = std::abs(distance);
  if (d < 1) return ((kA + 2) * d - (kA + 3)) * d * d + 1;
  if (d < 2) return ((kA * d - 5 * kA) * d + 8 * kA) * d - 4 * kA;
  return 0;
}

void add_box(const AxisMapping& mapping, std::int64_t output, std::int64_t source_length, AxisFilter& filter) {
  const double begin = std::max(0.0, settle(position(mapping, output, 0)));
  const double end = std::min(static_cast<double>(source_length), settle(position(mapping, output, 1)));
  const auto start = static_cast<std::int64_t>(std::floor(begin));
  const auto stop = std::max(start + 1, static_cast<std::int64_t>(std::ceil(end)));
  filter.starts.push_back(start);
  filter.counts.push_back(static_cast<std::int32_t>(stop - start));
  const std::size_t base = filter.weights.size();
  filter.weights.resize(base + filter.taps, 0.0f);
  for (std::int64_t i = start; i < stop; ++i) {
    const double covered = std::min(end, i + 1.0) - std::max(begin, static_cast<double>(i));
    filter.weights[base + (i - start)] = static_cast<float>(covered / (end - begin));
  }
}

void add_cubic(const AxisMapping& mapping, std::int64_t output, std::int64_t source_length, AxisFilter& filter) {
  const double centre = position(mapping, output, 0.5) - 0.5;
  const auto left = static_cast<std::int64_t>(std::floor(centre)) - 1;
  std::array<double, 4> weights;
  double sum = 0;
  for (int t = 0; t < 4; ++t) sum += weights[t] = keys_cubic(centre - static_cast<double>(left + t));
  const std::int64_t last = source_length - 1;
  const std::int64_t start = std::clamp<std::int64_t>(left, 0, last);
  const std::int64_t stop = std::clamp<std::int64_t>(left + 3, 0, last) + 1;
  filter.starts.push_back(start);
  filter.counts.push_back(static_cast<std::int32_t>(stop - start));
  const std::size_t base = filter.weights.size();
  filter.weights.resize(base + filter.taps, 0.0f);
  std::array<double, 4> folded{};
  for (int t = 0; t < 4; ++t) folded[std::clamp<std::int64_t>(left + t, 0, last) - start] += weights[t] / sum;
  for (std::int64_t t = 0; t < stop - start; ++t) filter.weights[base + t] = static_cast<float>(folded[t]);
}

}  // namespace

AxisFilter make_axis_filter(const AxisMapping& mapping, std::int64_t output_length, std::int64_t source_length) {
  AxisFilter filter;
  const bool shrinks = mapping.ratio > 1;
  filter.taps = shrinks ? static_cast<int>(std::min(std::ceil(mapping.ratio) + 1.0, double(source_length))) : 4;
  const auto centre_inside = [&](std::int64_t output) {
    const double centre = position(mapping, output, 0.5);
    return centre < 0 ? -1 : centre >= static_cast<double>(source_length) ? 1 : 0;
  };
  const double before = -static_cast<double>(mapping.phase_q16) / 65536.0 - 2;
  filter.first = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(before)), 0, output_length);
  while (filter.first < output_length && centre_inside(filter.first) < 0) ++filter.first;
  for (std::int64_t i = filter.first; i < output_length && centre_inside(i) == 0; ++i, ++filter.count) {
    if (shrinks) {
      add_box(mapping, i, source_length, filter);
    } else {
      add_cubic(mapping, i, source_length, filter);
    }
  }
  return filter;
}

}  // namespace histojet::tiles
