#include "writers/heat_map.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

using Color = std::array<std::uint8_t, 3>;
using Anchors = std::array<Color, 33>;

constexpr Anchors kViridis{
    {{68, 1, 84},    {71, 13, 96},   {72, 24, 106},  {72, 35, 116},  {71, 45, 123},  {69, 54, 129},  {66, 64, 134},
     {63, 73, 137},  {59, 82, 139},  {55, 90, 141},  {51, 99, 141},  {47, 106, 142}, {44, 114, 142}, {41, 122, 142},
     {38, 129, 142}, {35, 137, 142}, {33, 144, 140}, {31, 152, 139}, {31, 159, 136}, {33, 166, 133}, {40, 174, 128},
     {49, 181, 123}, {62, 188, 116}, {76, 194, 108}, {93, 201, 99},  {110, 206, 88}, {130, 211, 76}, {150, 216, 63},
     {171, 220, 50}, {192, 223, 36}, {213, 226, 26}, {234, 229, 26}, {253, 231, 37}}};
constexpr Anchors kInferno{
    {{0, 0, 4},      {4, 3, 18},     {11, 7, 36},     {21, 11, 55},    {33, 12, 74},   {46, 10, 90},   {60, 9, 101},
     {74, 12, 107},  {87, 16, 109},  {99, 20, 110},   {112, 25, 110},  {125, 30, 109}, {137, 34, 106}, {150, 39, 102},
     {163, 43, 97},  {175, 49, 92},  {187, 55, 85},   {198, 62, 77},   {209, 70, 68},  {219, 79, 59},  {227, 89, 50},
     {235, 101, 40}, {241, 113, 30}, {246, 127, 20},  {249, 141, 10},  {251, 156, 6},  {252, 171, 15}, {251, 186, 31},
     {249, 202, 50}, {245, 217, 73}, {242, 232, 101}, {243, 245, 134}, {252, 255, 164}}};

/// Entries of the table that pixels look their colours up in.
constexpr int kSteps = 1024;

std::vector<Color> color_table(Colormap map) {
  std::vector<Color> table;
  for (int i = 0; i < kSteps; ++i) table.push_back(colormap_color(map, i / (kSteps - 1.0)));
  return table;
}

std::uint8_t rounded(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

/// Writes one pixel; `position` is above 0 and at most 1.
void paint(std::uint8_t* pixel, int channels, double position, const std::vector<Color>& table) {
  if (channels == 1) {
    pixel[0] = rounded(255 * position);
    return;
  }
  const Color& color = table[static_cast<std::size_t>(std::lround(position * (kSteps - 1)))];
  const double opacity = std::min(1.0, position / kFadeShare);
  if (channels == 4) {
    std::ranges::copy(color, pixel);
    pixel[3] = rounded(255 * opacity);
    return;
  }
  for (int c = 0; c < 3; ++c) pixel[c] = rounded(color[c] * opacity + 255 * (1 - opacity));
}

}  // namespace

const std::vector<std::string>& colormap_names() {
  static const std::vector<std::string> names{"viridis", "inferno", "gray"};
  return names;
}

Colormap colormap_named(const std::string& name) {
  const auto& names = colormap_names();
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<Colormap>(found - names.begin());
  std::string known;
  for (const std::string& candidate : names) known += (known.empty() ? "" : ", ") + candidate;
  throw Error(ErrorCode::kInvalidArgument, "colour map " + name + " is not one of " + known);
}

std::array<std::uint8_t, 3> colormap_color(Colormap map, double position) {
  const double cut = position > 0 ? std::min(position, 1.0) : 0;
  if (map == Colormap::kGray) {
    const std::uint8_t level = rounded(255 * cut);
    return {level, level, level};
  }
  const Anchors& anchors = map == Colormap::kViridis ? kViridis : kInferno;
  const double place = cut * static_cast<double>(anchors.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), anchors.size() - 2);
  const double share = place - static_cast<double>(below);
  Color color;
  for (int c = 0; c < 3; ++c) color[c] = rounded(anchors[below][c] * (1 - share) + anchors[below + 1][c] * share);
  return color;
}

double heat_map_maximum(std::span<const float> values, double quantile) {
  std::vector<float> filled;
  std::ranges::copy_if(values, std::back_inserter(filled),
                       [](float value) { return value > 0 && std::isfinite(value); });
  if (filled.empty()) return 0;
  const double rank = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(filled.size()));
  const auto place = filled.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::ranges::nth_element(filled, place);
  return *place;
}

Image heat_map(std::span<const float> values, std::int64_t width, std::int64_t height, const HeatMapOptions& options,
               const CancelToken& cancel) {
  if (width <= 0 || height <= 0 ||
      values.size() / static_cast<std::size_t>(width) != static_cast<std::size_t>(height) ||
      values.size() % static_cast<std::size_t>(width) != 0) {
    throw Error(ErrorCode::kShapeMismatch, "heat map: expected width x height = " + std::to_string(width) + " x " +
                                               std::to_string(height) + " values, got " +
                                               std::to_string(values.size()));
  }
  if (options.channels != 1 && options.channels != 3 && options.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument,
                "heat map: expected 1, 3 or 4 channels, got " + std::to_string(options.channels));
  }
  const double range = options.max - options.min;
  Image picture(width, height, options.channels, options.channels == 3 ? 255 : 0);
  if (!(range > 0)) return picture;
  const std::vector<Color> table = color_table(options.colormap);
  for (std::int64_t y = 0; y < height; ++y) {
    if (y % 64 == 0) cancel.throw_if_cancelled();
    std::uint8_t* pixel = picture.row(y);
    const float* value = values.data() + y * width;
    for (std::int64_t x = 0; x < width; ++x, pixel += options.channels) {
      const double position = (value[x] - options.min) / range;
      if (value[x] > 0 && position > 0) paint(pixel, options.channels, std::min(position, 1.0), table);
    }
  }
  return picture;
}

}  // namespace histojet::writers
