#include "writers/heat_overlay.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

Image grey(std::int64_t width, std::int64_t height) {
  Image picture(width, height, 3);
  std::fill(picture.data.begin(), picture.data.end(), std::uint8_t{100});
  return picture;
}

TEST(HeatOverlay, PaintsTheLastColourAtTheMaximumAndLeavesEmptyPlacesAlone) {
  Image picture = grey(30, 10);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{nan, -3, 2};
  lay_heat_over(picture, {values, 3, 1, 10, 10}, {.colormap = Colormap::kGray, .max = 2, .opacity = 1});
  // The first two cells up to the last one's influence, half a cell before its edge.
  for (std::int64_t x = 0; x < 15; ++x) EXPECT_EQ(picture.row(5)[3 * x], 100) << x;
  for (std::int64_t x = 25; x < 30; ++x) EXPECT_EQ(picture.row(5)[3 * x], 255) << x;
  // In between it is smooth: half the value, half as opaque.
  EXPECT_NEAR(picture.row(5)[3 * 20], 100 + 0.55 * (0.55 * 255 - 100), 2);
}

TEST(HeatOverlay, CellsNeedNotFitThePicture) {
  Image picture = grey(7, 5);
  const std::vector<float> values(2 * 2, 1.0f);
  lay_heat_over(picture, {values, 2, 2, 4.5, 4.5}, {.colormap = Colormap::kGray, .max = 4, .opacity = 0.8});
  // A quarter of the scale, a quarter of the opacity, everywhere.
  for (const std::uint8_t value : picture.data) EXPECT_NEAR(value, 100 + 0.2 * (64 - 100), 1);
}

TEST(HeatOverlay, RefusesWhatDoesNotFit) {
  Image picture = grey(4, 4);
  const std::vector<float> values(5, 1.0f);
  EXPECT_THROW(lay_heat_over(picture, {values, 2, 2, 2, 2}, {}), Error);
  EXPECT_THROW(lay_heat_over(picture, {std::span(values).first(4), 2, 2, 0, 2}, {}), Error);
  Image alpha(4, 4, 4);
  EXPECT_THROW(lay_heat_over(alpha, {std::span(values).first(4), 2, 2, 2, 2}, {}), Error);
  Image before = grey(4, 4);
  lay_heat_over(picture, {std::span(values).first(4), 2, 2, 2, 2}, {.max = 0});
  EXPECT_EQ(picture.data, before.data);
}

}  // namespace
}  // namespace histojet::writers
