#include "writers/overlay.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using writers::draw_outlines;

TEST(Overlay, LineHasItsWidthAndSoftEdges) {
  Image picture(60, 60, 3, 100);
  nuclei::NucleusList list;
  add_nucleus(list, {110, 220, 110, 240, 150, 240, 150, 220}, 130, 230, 1);
  draw_outlines(picture, list, {.x = 100, .y = 200, .scale = 1, .color = {200, 0, 100}, .width_px = 1.5});
  // The upper edge runs along y = 20 between pixel rows 19 and 20, whose centres are half a pixel away.
  double covered = 0;
  for (int y = 15; y < 26; ++y) covered += (picture.row(y)[3 * 30] - 100) / 100.0;
  EXPECT_NEAR(covered, 1.5, 0.1);
  EXPECT_EQ(picture.row(19)[3 * 30], picture.row(20)[3 * 30]);
  EXPECT_EQ(picture.row(30)[3 * 30], 100) << "inside stays";
  EXPECT_EQ(picture.row(5)[3 * 5 + 1], 100) << "outside stays";
  EXPECT_EQ(picture.row(19)[3 * 30 + 2], 100) << "equal colour stays";
}

TEST(Overlay, ScaleAndClipping) {
  Image picture(20, 20, 3, 0);
  nuclei::NucleusList list;
  add_circle(list, 20, 20, 12);     // in the middle at scale 2
  add_circle(list, 0, 0, 9);        // across the corner
  add_circle(list, 4000, -900, 9);  // far away
  draw_outlines(picture, list, {.scale = 2, .color = {255, 255, 255}, .width_px = 2});
  EXPECT_GT(picture.row(10)[3 * 4], 100);
  EXPECT_EQ(picture.row(10)[3 * 10], 0);
  EXPECT_GT(picture.row(0)[3 * 4], 100);
  Image gray(4, 4, 1);
  EXPECT_THROW(draw_outlines(gray, list, {}), Error);
  EXPECT_THROW(draw_outlines(picture, list, {.scale = 0}), Error);
}

TEST(Overlay, EachTypeHasItsColour) {
  Image picture(120, 40, 3, 0);
  nuclei::NucleusList list;
  add_circle(list, 20, 20, 12);
  add_circle(list, 60, 20, 12);
  add_circle(list, 100, 20, 12);
  list.types = {0, 2, 7};
  draw_outlines(picture, list,
                {.color = {9, 9, 9}, .width_px = 3, .type_colors = {{200, 0, 0}, {1, 1, 1}, {0, 0, 150}}});
  const auto colour = [&](int x) {
    const std::uint8_t* pixel = picture.row(8) + 3 * x;
    return std::array<std::uint8_t, 3>{pixel[0], pixel[1], pixel[2]};
  };
  EXPECT_EQ(colour(20), (std::array<std::uint8_t, 3>{200, 0, 0}));
  EXPECT_EQ(colour(60), (std::array<std::uint8_t, 3>{0, 0, 150}));
  EXPECT_EQ(colour(100), (std::array<std::uint8_t, 3>{9, 9, 9})) << "beyond the table";
}

TEST(Overlay, PixelsNeedNotBeSquare) {
  Image picture(40, 20, 3, 0);
  nuclei::NucleusList list;
  add_nucleus(list, {10, 20, 10, 60, 30, 60, 30, 20}, 20, 40, 0);
  draw_outlines(picture, list, {.scale = 1, .scale_y = 4, .color = {255, 255, 255}, .width_px = 2});
  EXPECT_EQ(picture.row(5)[3 * 20], 255) << "upper edge at 20 / 4";
  EXPECT_EQ(picture.row(14)[3 * 20], 255) << "lower edge at 60 / 4";
  EXPECT_EQ(picture.row(10)[3 * 20], 0);
  EXPECT_EQ(picture.row(10)[3 * 10], 255) << "left edge at 10";
  EXPECT_THROW(draw_outlines(picture, list, {.scale_y = -1}), Error);
  CancelSource source;
  source.cancel();
  EXPECT_THROW(draw_outlines(picture, list, {}, source.token()), Cancelled);
}
