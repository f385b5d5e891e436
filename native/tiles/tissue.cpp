#include "tiles/tissue.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "base/error.hpp"
#include "tiles/mask_regions.hpp"
#include "tiles/resample.hpp"
#include "tiles/scaled_read.hpp"

namespace histojet::tiles {
namespace {

constexpr double kAssumedMpp = 0.25;
constexpr std::int64_t kMaxMaskPixels = 1LL << 28;
constexpr std::int64_t kBandRows = 256;
/// Colour densities are kept in steps of 0.002, so that 255 is an optical density of 0.51.
constexpr double kDensitySteps = 500;
/// Otsu always splits; these bounds say what is certainly glass and what is certainly stained (clean glass stays below
/// 0.006; pale mucin between glands starts at 0.035). Missing tissue costs nuclei, extra glass only time.
constexpr int kSurelyGlass = static_cast<int>(0.02 * kDensitySteps);
constexpr int kSurelyTissue = static_cast<int>(0.045 * kDensitySteps);
constexpr double kSmallestSpeck_um2 = 700;
constexpr double kLargestHole_um2 = 20000;
constexpr double kGapReach_um = 12;

using Densities = std::array<std::array<float, 256>, 3>;

/// The glass's colour: the commonest bright and nearly grey value of each channel, so that a yellowish lamp does not
/// look like stain. A slide without glass gives white.
std::array<int, 3> glass_color(const Image& picture) {
  std::array<std::array<std::int64_t, 256>, 3> counts{};
  std::int64_t bright = 0;
  const std::int64_t pixels = picture.width * picture.height;
  for (std::int64_t i = 0; i < pixels; ++i) {
    const std::uint8_t* rgb = picture.data.data() + 3 * i;
    const auto [low, high] = std::minmax({rgb[0], rgb[1], rgb[2]});
    if (low < 220 || high - low > 20) continue;
    ++bright;
    for (int c = 0; c < 3; ++c) ++counts[c][rgb[c]];
  }
  if (bright * 100 < pixels) return {255, 255, 255};
  std::array<int, 3> glass;
  for (int c = 0; c < 3; ++c) {
    glass[c] = static_cast<int>(std::max_element(counts[c].begin(), counts[c].end()) - counts[c].begin());
  }
  return glass;
}

Densities density_tables(const std::array<int, 3>& glass) {
  Densities tables;
  for (int c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) tables[c][v] = static_cast<float>(-std::log10((v + 1.0) / (glass[c] + 1.0)));
  }
  return tables;
}

/// Colour density: the densest channel over the lightest one. Grey absorbs all channels alike and gives nothing;
/// haematoxylin, eosin and DAB absorb green or blue far more than their lightest channel.
std::uint8_t color_density(const std::uint8_t* rgb, const Densities& tables) {
  const auto [low, high] = std::minmax({tables[0][rgb[0]], tables[1][rgb[1]], tables[2][rgb[2]]});
  return static_cast<std::uint8_t>(std::min(255.0, kDensitySteps * (high - low)));
}

/// Threshold t (tissue is above t) that separates the two classes best (Otsu 1979, between-class variance).
int otsu(std::span<const std::uint8_t> values) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t value : values) ++counts[value];
  double total_sum = 0;
  for (int v = 0; v < 256; ++v) total_sum += static_cast<double>(v) * static_cast<double>(counts[v]);
  const auto total = static_cast<double>(values.size());
  double below = 0;
  double below_sum = 0;
  double best = -1;
  int threshold = 0;
  for (int t = 0; t < 255; ++t) {
    below += static_cast<double>(counts[t]);
    below_sum += static_cast<double>(t) * static_cast<double>(counts[t]);
    const double above = total - below;
    if (below == 0 || above == 0) continue;
    const double gap = below_sum / below - (total_sum - below_sum) / above;
    const double variance = below * above * gap * gap;
    if (variance > best) {
      best = variance;
      threshold = t;
    }
  }
  return threshold;
}

TissueMask empty_mask(const slide::Slide& slide, double mpp) {
  if (!(mpp > 0) || !std::isfinite(mpp)) {
    throw Error(ErrorCode::kInvalidArgument, "tissue mask: expected a positive mpp, got " + std::to_string(mpp));
  }
  const double slide_mpp = slide.mpp() ? (slide.mpp()->x + slide.mpp()->y) / 2 : kAssumedMpp;
  TissueMask mask;
  mask.downsample = std::max(1.0, mpp / slide_mpp);
  const auto pixels = [&](std::int64_t length) {
    return std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::ceil(static_cast<double>(length) / mask.downsample - 1e-6)));
  };
  mask.width = pixels(slide.width());
  mask.height = pixels(slide.height());
  if (mask.width > kMaxMaskPixels / mask.height) {
    throw Error(ErrorCode::kInvalidArgument, "tissue mask: " + std::to_string(mpp) +
                                                 " um/px is too fine for a slide of " + std::to_string(slide.width()) +
                                                 " x " + std::to_string(slide.height()) + " px; use 8 or so");
  }
  mask.data.resize(static_cast<std::size_t>(mask.width * mask.height));
  return mask;
}

void fill_densities(const slide::Slide& slide, const Densities& tables, TissueMask& mask, const CancelToken& cancel) {
  for (std::int64_t y = 0; y < mask.height; y += kBandRows) {
    const std::int64_t rows = std::min(kBandRows, mask.height - y);
    const Image band = read_scaled(slide,
                                   {.x = 0,
                                    .y = static_cast<double>(y) * mask.downsample,
                                    .width = mask.width,
                                    .height = rows,
                                    .scale_x = mask.downsample,
                                    .scale_y = mask.downsample},
                                   cancel);
    std::uint8_t* out = mask.data.data() + y * mask.width;
    for (std::int64_t i = 0; i < rows * mask.width; ++i) out[i] = color_density(band.data.data() + 3 * i, tables);
  }
}

std::int64_t area_pixels(double area_um2, double pixel_um) {
  return std::max<std::int64_t>(2, std::llround(area_um2 / (pixel_um * pixel_um)));
}

}  // namespace

TissueMask find_tissue(const slide::Slide& slide, double mpp, const CancelToken& cancel) {
  TissueMask mask = empty_mask(slide, mpp);
  const Image overview = thumbnail(slide, std::min<std::int64_t>(1024, std::max(mask.width, mask.height)), cancel);
  fill_densities(slide, density_tables(glass_color(overview)), mask, cancel);
  const int threshold = std::clamp(otsu(mask.data), kSurelyGlass, kSurelyTissue);
  for (std::uint8_t& value : mask.data) value = value > threshold ? 1 : 0;
  const double pixel_um = mask.downsample * (slide.mpp() ? (slide.mpp()->x + slide.mpp()->y) / 2 : kAssumedMpp);
  flip_small_regions(mask.data, mask.width, mask.height, 1, area_pixels(kSmallestSpeck_um2, pixel_um), false);
  close_gaps(mask.data, mask.width, mask.height, std::llround(kGapReach_um / pixel_um));
  flip_small_regions(mask.data, mask.width, mask.height, 0, area_pixels(kLargestHole_um2, pixel_um), true);
  return mask;
}

double TissueMask::share(double x, double y, double width, double height) const {
  if (!(width > 0) || !(height > 0)) return 0;
  const double left = std::max(0.0, x / downsample);
  const double top = std::max(0.0, y / downsample);
  const double right = std::min(static_cast<double>(this->width), (x + width) / downsample);
  const double bottom = std::min(static_cast<double>(this->height), (y + height) / downsample);
  if (!(left < right) || !(top < bottom)) return 0;
  double covered = 0;
  for (auto row = static_cast<std::int64_t>(top); row < bottom; ++row) {
    const double in_row = std::min(bottom, row + 1.0) - std::max(top, static_cast<double>(row));
    double sum = 0;
    for (auto column = static_cast<std::int64_t>(left); column < right; ++column) {
      if (data[row * this->width + column] == 0) continue;
      sum += std::min(right, column + 1.0) - std::max(left, static_cast<double>(column));
    }
    covered += in_row * sum;
  }
  return std::min(1.0, covered * downsample * downsample / (width * height));
}

}  // namespace histojet::tiles
