#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"

namespace histojet::writers {

/// How numbers become colours. Viridis and inferno (S. van der Walt and N. Smith, matplotlib, CC0): equal steps look
/// equally large, also in grey and to people with colour-blindness. Kept as 33 of their 256 colours, linear in between
/// (at most 2 of 255 off).
enum class Colormap { kViridis, kInferno, kGray };

/// Names by the order of Colormap.
const std::vector<std::string>& colormap_names();
/// @throws Error kInvalidArgument naming the known ones.
Colormap colormap_named(const std::string& name);
/// Colour at `position`, 0 to 1; what lies beyond is cut, NaN is 0.
std::array<std::uint8_t, 3> colormap_color(Colormap map, double position);

struct HeatMapOptions {
  Colormap colormap = Colormap::kViridis;
  double min = 0;  ///< value of the first colour
  double max = 1;  ///< value of the last colour; not above `min`: everything is empty
  /// 4: RGBA. 3: RGB, composited on white. 1: the position on the scale as a number from 0 to 255, without colours.
  int channels = 4;
};

/// Where a heat map with these values ends: their quantile (0 to 1) by nearest rank, of values above 0 alone. 0 when
/// there are none.
double heat_map_maximum(std::span<const float> values, double quantile = 0.995);

/// A picture of one pixel per value. Values of 0 and below (and NaN) are transparent; up to kFadeShare of the scale,
/// colours fade in, so that thin density ends softly instead of at an edge.
/// @throws Error kShapeMismatch when `values` is not width x height, kInvalidArgument (channels); Cancelled.
Image heat_map(std::span<const float> values, std::int64_t width, std::int64_t height, const HeatMapOptions& options,
               const CancelToken& cancel = {});

/// Share of the scale below which colours are translucent.
inline constexpr double kFadeShare = 0.1;

}  // namespace histojet::writers
