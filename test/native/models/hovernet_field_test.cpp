#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "models/formula_hovernet.hpp"
#include "models/hovernet.hpp"

using namespace histojet;
using namespace histojet::models;

namespace {

constexpr std::int64_t kCore_px = 8;
/// How much farther one tile reaches than the other, on each side.
constexpr std::int64_t kMore_px = 8;

Image noise(std::int64_t side) {
  Image image(side, side, 3);
  std::uint32_t state = 1;
  for (std::uint8_t& value : image.data) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

Maps maps_of(const NucleiNetwork& network, ImageView rgb) {
  const auto session = network.make_session(rgb.height, rgb.width);
  Maps maps;
  network.predict(*session, rgb, maps, 0, {});
  return maps;
}

/// How many pixels of a square of both maps differ in any of their values; the corner is that of the small tile's map.
std::int64_t differing(const Maps& small, const Maps& large, std::int64_t corner, std::int64_t side) {
  std::int64_t count = 0;
  for (std::int64_t y = corner; y < corner + side; ++y) {
    for (std::int64_t x = corner; x < corner + side; ++x) {
      const std::int64_t a = y * small.width + x;
      const std::int64_t b = (y + kMore_px) * large.width + x + kMore_px;
      const bool same = small.np[a] == large.np[b] && small.hv[a] == large.hv[b] &&
                        small.hv[a + small.height * small.width] == large.hv[b + large.height * large.width] &&
                        small.tp[a] == large.tp[b];
      count += same ? 0 : 1;
    }
  }
  return count;
}

void expect_core_independent_of_the_tile(bool original) {
  const auto dict = test::hovernet_dict(original, 3, test::Values::kFormula);
  const auto network = load_hovernet(dict, {.precision = Precision::kFast});
  const NetworkInfo& info = network->info();
  const std::int64_t side = kCore_px + 2 * info.margin_px;
  const Image picture = noise(side + 2 * kMore_px);
  const Maps large = maps_of(*network, picture);
  const ImageView middle(picture.row(kMore_px) + 3 * kMore_px, side, side, 3, ImageView(picture).stride);
  const Maps small = maps_of(*network, middle);
  const std::int64_t rim = info.margin_px - info.output_margin_px;
  EXPECT_EQ(differing(small, large, rim, kCore_px), 0);
  // What lies nearer to the tile's border sees where it ends.
  EXPECT_GT(differing(small, large, 0, small.width), small.width);
}

}  // namespace

TEST(HoverNetField, MapsAMarginInsideDoNotDependOnTheTileFast) {
  expect_core_independent_of_the_tile(false);
}

TEST(HoverNetField, MapsAMarginInsideDoNotDependOnTheTileOriginal) {
  expect_core_independent_of_the_tile(true);
}

TEST(HoverNetField, CoresOfAllowedSidesLieOnThePoolingGrid) {
  for (const bool original : {false, true}) {
    const auto network = load_hovernet(test::hovernet_dict(original, 0, test::Values::kZero));
    const NetworkInfo& info = network->info();
    EXPECT_EQ(info.margin_px, original ? 159 : 112);
    EXPECT_EQ(info.origin_multiple, 8);
    const std::int64_t side = info.side_offset_px + 64 * info.side_multiple;
    EXPECT_EQ((side - 2 * info.margin_px) % info.origin_multiple, 0);
  }
}
