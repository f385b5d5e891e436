#include "nuclei/density_grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "nuclei/gaussian.hpp"

namespace histojet::nuclei {
namespace {

struct Dot {
  float x, y;
  std::uint8_t type = 0;
};

/// Nuclei at these centroids; the grid looks at nothing else.
NucleusList dots(std::initializer_list<Dot> places, bool typed = true) {
  NucleusList list;
  for (const Dot& dot : places) {
    list.centroids.insert(list.centroids.end(), {dot.x, dot.y});
    list.areas.push_back(1);
    if (typed) list.types.push_back(dot.type);
  }
  return list;
}

/// 5 x 3 cells of 10 x 10 px and 0.5 x 0.25 um/px; the last column is 4 px wide, the last row 7 px high.
DensityArea odd_area() {
  return {.x = 100, .y = 200, .width = 44, .height = 27, .cell_x = 10, .cell_y = 10, .mpp_x = 0.5, .mpp_y = 0.25};
}

double mass(const DensityGrid& grid, const DensityArea& area, const std::vector<float>& values) {
  double sum = 0;
  for (std::int64_t y = 0; y < grid.height(); ++y) {
    for (std::int64_t x = 0; x < grid.width(); ++x) {
      const double width = std::min(area.cell_x, area.width - x * area.cell_x);
      const double height = std::min(area.cell_y, area.height - y * area.cell_y);
      sum += values[y * grid.width() + x] * width * area.mpp_x * height * area.mpp_y / 1e6;
    }
  }
  return sum;
}

TEST(DensityGrid, CountsPerAreaOfTheCell) {
  DensityGrid grid(odd_area(), 3);
  ASSERT_EQ(grid.width(), 5);
  ASSERT_EQ(grid.height(), 3);
  grid.add(dots({{100, 200, 1}, {109.5f, 209.5f, 2}, {110, 200, 1}, {143.9f, 226.9f, 1}, {143.9f, 200, 2}}));
  const auto all = grid.values(DensityGrid::kAllTypes, 0, 0);
  const double cell_mm2 = 10 * 0.5 * 10 * 0.25 / 1e6;
  EXPECT_FLOAT_EQ(all[0], 2 / cell_mm2);
  EXPECT_FLOAT_EQ(all[1], 1 / cell_mm2);
  EXPECT_FLOAT_EQ(all[4], 1 / (cell_mm2 * 0.4));
  EXPECT_FLOAT_EQ(all[14], 1 / (cell_mm2 * 0.4 * 0.7));
  EXPECT_EQ(std::accumulate(all.begin() + 5, all.begin() + 14, 0.0f), 0);
  const auto ones = grid.values(1, 0, 0);
  EXPECT_FLOAT_EQ(ones[0], 1 / cell_mm2);
  EXPECT_EQ(ones[4], 0);
  EXPECT_EQ(grid.values(0, 0, 0), std::vector<float>(15, 0)) << "a type that never occurred";
}

TEST(DensityGrid, LeavesOutWhatLiesOutside) {
  DensityGrid grid(odd_area(), 2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  grid.add(dots({{99.9f, 210}, {144, 210}, {120, 199.9f}, {120, 227}, {nan, 210}, {120, nan}, {1e30f, 210}}));
  EXPECT_EQ(grid.count(DensityGrid::kAllTypes), 0u);
  grid.add(dots({{120, 210, 1}, {121, 210, 2}, {121, 210, 255}}));
  grid.add(dots({{120, 211}}, false));
  EXPECT_EQ(grid.count(DensityGrid::kAllTypes), 4u) << "types without a plane and lists without types";
  EXPECT_EQ(grid.count(0), 0u);
  EXPECT_EQ(grid.count(1), 1u);
}

TEST(DensityGrid, SmoothingLosesNothingAndKeepsConstants) {
  const DensityArea area{.width = 130, .height = 70, .cell_x = 10, .cell_y = 10, .mpp_x = 0.25, .mpp_y = 0.25};
  DensityGrid corner(area, 0);
  corner.add(dots({{0.5f, 0.5f}, {129, 69}}));
  for (const double sigma : {0.3, 1.0, 2.5, 40.0}) {
    const auto values = corner.values(DensityGrid::kAllTypes, sigma, sigma);
    EXPECT_NEAR(mass(corner, area, values), 2, 1e-5) << sigma;
    EXPECT_NEAR(values.front(), values.back(), 1e-3) << "symmetric";
  }
  DensityGrid even(odd_area(), 0);
  NucleusList everywhere;
  for (float y = 200.5f; y < 227; ++y) {
    for (float x = 100.5f; x < 144; ++x) {
      everywhere.centroids.insert(everywhere.centroids.end(), {x, y});
      everywhere.areas.push_back(1);
    }
  }
  even.add(everywhere);
  for (const float value : even.values(DensityGrid::kAllTypes, 1.3, 0.7)) EXPECT_NEAR(value, 8e6, 8);
}

TEST(DensityGrid, GaussianHasItsShapeAndReach) {
  const DensityArea area{.width = 41, .height = 41, .cell_x = 1, .cell_y = 1, .mpp_x = 1000, .mpp_y = 1000};
  DensityGrid grid(area, 0);
  grid.add(dots({{20.5f, 20.5f}}));
  const auto values = grid.values(DensityGrid::kAllTypes, 2, 0);
  for (int d = 0; d <= 8; ++d) {
    EXPECT_NEAR(values[20 * 41 + 20 + d], std::exp(-d * d / 8.0) / (2 * std::sqrt(2 * 3.14159265358979)), 2e-5);
  }
  EXPECT_EQ(values[20 * 41 + 29], 0) << "cut at 4 sigma";
  EXPECT_EQ(values[19 * 41 + 20], 0) << "not smoothed downwards";
  const auto down = grid.values(DensityGrid::kAllTypes, 0, 2);
  for (int i = 0; i < 41; ++i) EXPECT_EQ(down[i * 41 + 20], values[20 * 41 + i]) << "the same both ways";
}

TEST(DensityGrid, OrderOfListsDoesNotMatter) {
  DensityGrid one(odd_area(), 4), two(odd_area(), 4);
  const NucleusList first = dots({{101, 201, 1}, {140, 220, 3}}), second = dots({{105, 203, 2}});
  one.add(first);
  one.add(second);
  two.add(second);
  two.add(first);
  for (int type = -1; type < 4; ++type) EXPECT_EQ(one.values(type, 0.8, 0.8), two.values(type, 0.8, 0.8));
}

TEST(DensityGrid, RefusesWhatItCannotHold) {
  DensityArea area{.width = 100'000, .height = 100'000, .cell_x = 4, .cell_y = 4, .mpp_x = 0.25, .mpp_y = 0.25};
  EXPECT_THROW(DensityGrid(area, 0), Error);
  try {
    DensityGrid(area, 5);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("take cells of 8 um"), std::string::npos) << error.what();
  }
  area.cell_x = area.cell_y = 32;
  EXPECT_EQ(DensityGrid(area, 5).width(), 3125) << "what the message advises";
  area.cell_x = 1e-300;
  EXPECT_THROW(DensityGrid(area, 0), Error);
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    DensityArea odd = odd_area();
    odd.mpp_y = bad;
    EXPECT_THROW(DensityGrid(odd, 0), Error);
  }
  EXPECT_THROW(DensityGrid(odd_area(), 257), Error);
  DensityGrid grid(odd_area(), 2);
  EXPECT_THROW(grid.values(2, 0, 0), Error);
  EXPECT_THROW(grid.values(-2, 0, 0), Error);
  EXPECT_THROW(grid.count(2), Error);
  EXPECT_THROW(grid.values(0, -1, 0), Error);
  EXPECT_THROW(grid.values(0, 0, 1001), Error);
  EXPECT_THROW(grid.values(0, std::nan(""), 0), Error);
}

TEST(DensityGrid, StopsWhenCancelled) {
  DensityGrid grid(odd_area(), 0);
  grid.add(dots({{120, 210}}));
  CancelSource source;
  source.cancel();
  EXPECT_THROW(grid.values(DensityGrid::kAllTypes, 1, 1, source.token()), Cancelled);
}

TEST(Gaussian, MirrorsLinesThatAreShorterThanItself) {
  std::vector<double> line{3, 0, 0};
  Gaussian(30).smooth(line);
  EXPECT_NEAR(line[0] + line[1] + line[2], 3, 1e-9);
  for (const double value : line) EXPECT_NEAR(value, 1, 0.01);
  std::vector<double> single{7};
  Gaussian(2).smooth(single);
  EXPECT_NEAR(single[0], 7, 1e-12);
}

}  // namespace
}  // namespace histojet::nuclei
