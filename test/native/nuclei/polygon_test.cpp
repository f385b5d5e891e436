#include "nuclei/polygon.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "nuclei/approx.hpp"
#include "nuclei/contour.hpp"
#include "nuclei/fill_polygon.hpp"

namespace histojet::nuclei {
namespace {

const Ring kSquare{{0, 0}, {0, 3}, {3, 3}, {3, 0}};

TEST(Polygon, Measures) {
  EXPECT_EQ(arc_length(kSquare), 12);
  EXPECT_EQ(area(kSquare), 9);
  EXPECT_EQ(doubled_area(kSquare), -18);
  const Moments moments = polygon_moments({{1, 2}, {5, 2}, {5, 4}, {1, 4}});
  EXPECT_DOUBLE_EQ(moments.m00, 8);
  EXPECT_DOUBLE_EQ(moments.m10 / moments.m00, 3);
  EXPECT_DOUBLE_EQ(moments.m01 / moments.m00, 3);
  EXPECT_EQ(polygon_moments({{0, 0}, {1, 1}}).m00, 0);
}

TEST(Polygon, Simple) {
  EXPECT_TRUE(is_simple(kSquare));
  EXPECT_TRUE(is_simple({{0, 0}, {2, 0}, {0, 1}}));
  EXPECT_FALSE(is_simple({{0, 0}, {1, 1}}));
  EXPECT_FALSE(is_simple({{0, 0}, {2, 0}, {1, 0}})) << "folds back";
  EXPECT_FALSE(is_simple({{0, 0}, {4, 4}, {4, 0}, {0, 4}})) << "crosses";
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}})) << "a point on a side";
  EXPECT_FALSE(is_simple({{0, 0}, {4, 0}, {2, 2}, {4, 4}, {0, 4}, {2, 2}})) << "a point twice";
  EXPECT_FALSE(is_simple({{0, 0}, {0, 0}, {4, 0}, {4, 4}})) << "a neighbour twice";
}

TEST(Approx, KeepsCornersDropsNoise) {
  const Ring wavy{{0, 0}, {5, 1}, {10, 0}, {10, 10}, {5, 9}, {0, 10}};
  EXPECT_EQ(approx(wavy, 2).size(), 4u);
  EXPECT_EQ(approx(wavy, 0).size(), 6u);
  EXPECT_EQ(approx({{3, 3}}, 1), (Ring{{3, 3}}));
  EXPECT_EQ(approx({{3, 3}, {3, 4}}, 5).size(), 1u);
  EXPECT_TRUE(approx({}, 1).empty());
}

TEST(FillPolygon, CoversInsideAndSides) {
  std::vector<std::int32_t> pixels(6 * 6);
  fill_polygon({pixels.data(), 6, 6}, {{1, 1}, {1, 4}, {4, 4}, {4, 1}}, 7);
  EXPECT_EQ(std::count(pixels.begin(), pixels.end(), 7), 16);
  fill_polygon({pixels.data(), 6, 6}, {{0, 0}, {5, 5}}, 8);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(pixels[i * 7], 8);
  EXPECT_EQ(std::count(pixels.begin(), pixels.end(), 8), 6);
}

TEST(Contour, OnePixelAndLine) {
  const std::vector<std::int32_t> labels{1, 0, 2, 2, 2};
  const Span2d<const std::int32_t> tile(labels.data(), 1, 5);
  const std::vector<nuclei::Run> one{{0, 0, 1, 1}}, line{{0, 2, 5, 2}};
  EXPECT_EQ(reference_contour(tile, 1, one), (Ring{{0, 0}}));
  EXPECT_EQ(reference_contour(tile, 2, line), (Ring{{2, 0}, {4, 0}}));
}

TEST(Contour, OfSeveralPartsTheLastThatIsNotEnclosed) {
  // A ring around a core, and a lone pair of pixels further down.
  const std::vector<std::int32_t> labels{1, 1, 1, 1, 1,  //
                                         1, 0, 0, 0, 1,  //
                                         1, 0, 1, 0, 1,  //
                                         1, 0, 0, 0, 1,  //
                                         1, 1, 1, 1, 1,  //
                                         0, 0, 0, 0, 0,  //
                                         0, 1, 1, 0, 0};
  std::vector<nuclei::Run> runs{{0, 0, 5, 1}, {1, 0, 1, 1}, {1, 4, 5, 1}, {2, 0, 1, 1}, {2, 2, 3, 1},
                                {2, 4, 5, 1}, {3, 0, 1, 1}, {3, 4, 5, 1}, {4, 0, 5, 1}, {6, 1, 3, 1}};
  EXPECT_EQ(reference_contour({labels.data(), 7, 5}, 1, runs), (Ring{{1, 6}, {2, 6}}));
  runs.pop_back();
  EXPECT_EQ(reference_contour({labels.data(), 5, 5}, 1, runs), (Ring{{0, 0}, {0, 4}, {4, 4}, {4, 0}}));
}

}  // namespace
}  // namespace histojet::nuclei
