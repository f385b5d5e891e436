#include "writers/heat_map.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

using Color = std::array<std::uint8_t, 3>;

TEST(Colormap, HasThePublishedColours) {
  EXPECT_EQ(colormap_color(Colormap::kViridis, 0), (Color{68, 1, 84}));
  EXPECT_EQ(colormap_color(Colormap::kViridis, 1), (Color{253, 231, 37}));
  EXPECT_EQ(colormap_color(Colormap::kInferno, 0), (Color{0, 0, 4}));
  EXPECT_EQ(colormap_color(Colormap::kInferno, 1), (Color{252, 255, 164}));
  EXPECT_EQ(colormap_color(Colormap::kGray, 0.5), (Color{128, 128, 128}));
  EXPECT_EQ(colormap_color(Colormap::kViridis, 7), colormap_color(Colormap::kViridis, 1));
  EXPECT_EQ(colormap_color(Colormap::kViridis, std::nan("")), colormap_color(Colormap::kViridis, -1));
}

TEST(Colormap, GetsLighterAllTheWay) {
  for (const Colormap map : {Colormap::kViridis, Colormap::kInferno, Colormap::kGray}) {
    double before = -1;
    for (int i = 0; i <= 64; ++i) {
      const Color color = colormap_color(map, i / 64.0);
      const double light = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
      EXPECT_GT(light, before) << static_cast<int>(map) << " " << i;
      before = light;
    }
  }
}

TEST(Colormap, IsKnownByName) {
  for (const std::string& name : colormap_names()) {
    EXPECT_EQ(colormap_names()[static_cast<std::size_t>(colormap_named(name))], name);
  }
  try {
    colormap_named("jet");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("viridis, inferno, gray"), std::string::npos);
  }
}

TEST(HeatMap, MaximumIsAQuantileOfWhatIsNotEmpty) {
  std::vector<float> values(5000, 0.0f);
  for (int i = 0; i < 1000; ++i) values[3 * i] = static_cast<float>(1000 - i);
  EXPECT_EQ(heat_map_maximum(values), 995);
  EXPECT_EQ(heat_map_maximum(values, 1), 1000);
  EXPECT_EQ(heat_map_maximum(values, 0), 1);
  EXPECT_EQ(heat_map_maximum(std::vector<float>{0, 0, 4, std::nanf("")}), 4);
  EXPECT_EQ(heat_map_maximum(std::vector<float>(10)), 0);
  EXPECT_EQ(heat_map_maximum({}), 0);
}

TEST(HeatMap, PaintsInEveryKindOfPicture) {
  const std::vector<float> values{0, 10, 20, 40, std::nanf(""), 0.5f};
  const Image rgba = heat_map(values, 3, 2, {.max = 20, .channels = 4});
  EXPECT_EQ(rgba.row(0)[3], 0) << "empty";
  EXPECT_EQ(rgba.row(0)[7], 255);
  const Color middle = colormap_color(Colormap::kViridis, 0.5);
  EXPECT_NEAR(rgba.row(0)[4], middle[0], 1);
  EXPECT_NEAR(rgba.row(0)[5], middle[1], 1);
  EXPECT_EQ(rgba.row(0)[8], 253) << "the maximum";
  EXPECT_EQ(rgba.row(1)[0], 253) << "above the maximum";
  EXPECT_EQ(rgba.row(1)[7], 0) << "not a number";
  EXPECT_EQ(rgba.row(1)[11], 64) << "a quarter of the way into the colours";

  const Image rgb = heat_map(values, 3, 2, {.max = 20, .channels = 3});
  EXPECT_EQ(rgb.row(0)[0], 255) << "empty is white";
  EXPECT_EQ(rgb.row(1)[5], 255);
  EXPECT_NEAR(rgb.row(1)[6], (3 * 255 + rgba.row(1)[8]) / 4, 1);
  const Image gray = heat_map(values, 3, 2, {.max = 20, .channels = 1});
  EXPECT_EQ(gray.data, (std::vector<std::uint8_t>{0, 128, 255, 255, 0, 6}));
}

TEST(HeatMap, NothingToShowIsEmpty) {
  const std::vector<float> values(6);
  EXPECT_EQ(heat_map(values, 2, 3, {.max = 0}).data, std::vector<std::uint8_t>(24, 0));
  EXPECT_EQ(heat_map(values, 2, 3, {.max = 0, .channels = 3}).data, std::vector<std::uint8_t>(18, 255));
}

TEST(HeatMap, RefusesWhatDoesNotFit) {
  const std::vector<float> values(6);
  EXPECT_THROW(heat_map(values, 4, 1, {}), Error);
  EXPECT_THROW(heat_map(values, 4, 2, {}), Error);
  EXPECT_THROW(heat_map(values, 0, 0, {}), Error);
  EXPECT_THROW(heat_map(values, 3, 2, {.channels = 2}), Error);
  CancelSource source;
  source.cancel();
  EXPECT_THROW(heat_map(values, 3, 2, {}, source.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::writers
