#include "nuclei/outline_shape.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "nuclei/postprocess.hpp"

namespace histojet::nuclei {
namespace {

constexpr double kPi = std::numbers::pi;

/// An ellipse's polygon of `count` corners, turned by `angle`.
std::vector<float> ellipse(double a, double b, int count, double angle = 0, double x = 0, double y = 0) {
  std::vector<float> ring;
  for (int i = 0; i < count; ++i) {
    const double t = 2 * kPi * i / count, u = a * std::cos(t), v = b * std::sin(t);
    ring.push_back(static_cast<float>(x + u * std::cos(angle) - v * std::sin(angle)));
    ring.push_back(static_cast<float>(y + u * std::sin(angle) + v * std::cos(angle)));
  }
  return ring;
}

/// Full axis of a regular polygon's ellipse of inertia.
double polygon_axis(double radius, int count) {
  return 4 * radius * std::sqrt((2 + std::cos(2 * kPi / count)) / 12);
}

TEST(OutlineShape, RegularPolygonsFollowTheirClosedForms) {
  for (const int count : {3, 4, 7, 60, 1000}) {
    const OutlineShape shape = outline_shape(ellipse(10, 10, count, 0.3), {});
    const double area = count * 50 * std::sin(2 * kPi / count), perimeter = 20 * count * std::sin(kPi / count);
    EXPECT_NEAR(shape.area, area, 1e-4) << count;
    EXPECT_NEAR(shape.perimeter, perimeter, 1e-4);
    EXPECT_NEAR(shape.circularity, 4 * kPi * area / (perimeter * perimeter), 1e-6);
    EXPECT_LE(shape.circularity, 1);
    EXPECT_NEAR(shape.major_axis, polygon_axis(10, count), 1e-4);
    EXPECT_NEAR(shape.minor_axis, polygon_axis(10, count), 1e-4);
    EXPECT_LT(shape.eccentricity, 2e-3);
    EXPECT_NEAR(shape.solidity, 1, 1e-6);
  }
  EXPECT_NEAR(outline_shape(ellipse(10, 10, 1000), {}).major_axis, 20, 1e-3);
}

TEST(OutlineShape, EllipsesWhereverTheyLieAndHowTheyTurn) {
  const double expected = std::sqrt(1 - 0.25);
  for (const double angle : {0.0, 0.4, 1.5707963, 2.5}) {
    for (const double place : {0.0, 120'000.0}) {
      const OutlineShape shape = outline_shape(ellipse(12, 6, 90, angle, place, place / 2), {});
      const double tolerance = place > 0 ? 0.02 : 1e-4;  // single precision that far out: 1/128 px
      EXPECT_NEAR(shape.major_axis, polygon_axis(12, 90), tolerance) << angle;
      EXPECT_NEAR(shape.minor_axis, polygon_axis(6, 90), tolerance) << angle;
      EXPECT_NEAR(shape.eccentricity, expected, tolerance) << angle;
    }
  }
  std::vector<float> turned_round;
  const std::vector<float> ring = ellipse(12, 6, 33, 0.4);
  for (std::size_t i = ring.size(); i > 0; i -= 2) turned_round.insert(turned_round.end(), {ring[i - 2], ring[i - 1]});
  const OutlineShape one = outline_shape(ring, {}), other = outline_shape(turned_round, {});
  EXPECT_NEAR(one.major_axis, other.major_axis, 1e-9);
  EXPECT_NEAR(one.area, other.area, 1e-9);
}

TEST(OutlineShape, RectanglesAndConcavePolygons) {
  const OutlineShape box = outline_shape(std::vector<float>{3, 5, 13, 5, 13, 9, 3, 9}, {});
  EXPECT_DOUBLE_EQ(box.area, 40);
  EXPECT_DOUBLE_EQ(box.perimeter, 28);
  EXPECT_NEAR(box.major_axis, 4 * 10 / std::sqrt(12), 1e-9);
  EXPECT_NEAR(box.minor_axis, 4 * 4 / std::sqrt(12), 1e-9);
  EXPECT_NEAR(box.circularity, 4 * kPi * 40 / 784, 1e-12);
  EXPECT_DOUBLE_EQ(box.solidity, 1);
  // An L of 72 px in a hull of 96.
  const OutlineShape bent = outline_shape(std::vector<float>{0, 0, 10, 0, 10, 4, 4, 4, 4, 12, 0, 12}, {});
  EXPECT_DOUBLE_EQ(bent.area, 72);
  EXPECT_DOUBLE_EQ(bent.solidity, 0.75);
}

TEST(OutlineShape, PixelsThatAreNotSquare) {
  const std::vector<float> ring = ellipse(10, 10, 200);
  const OutlineShape shape = outline_shape(ring, {.x = 0.5, .y = 0.25, .metric = true});
  EXPECT_NEAR(shape.major_axis, polygon_axis(5, 200), 1e-5);
  EXPECT_NEAR(shape.minor_axis, polygon_axis(2.5, 200), 1e-5);
  EXPECT_NEAR(shape.area, kPi * 5 * 2.5, 0.01);
}

TEST(OutlineShape, PixelSumsAreThoseOfTheOutlineAlongTheEdges) {
  // The second moments of a set of pixels, as regionprops takes them, plus those of a pixel: 1/12 of its area.
  double count = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int row = 0; row < 12; ++row) {
    for (int column = 0; column < (row < 4 ? 10 : 4); ++column) {
      ++count, x += column, y += row, xx += column * column, yy += row * row, xy += column * row;
    }
  }
  xx = xx / count - x / count * x / count;
  yy = yy / count - y / count * y / count;
  xy = xy / count - x / count * y / count;
  const double middle = (xx + yy) / 2, spread = std::hypot((xx - yy) / 2, xy);
  const OutlineShape shape = outline_shape(std::vector<float>{0, 0, 10, 0, 10, 4, 4, 4, 4, 12, 0, 12}, {});
  EXPECT_NEAR(shape.major_axis, 4 * std::sqrt(middle + spread + 1.0 / 12), 1e-9);
  EXPECT_NEAR(shape.minor_axis, 4 * std::sqrt(middle - spread + 1.0 / 12), 1e-9);
}

TEST(OutlineShape, FlatAndEmptyRings) {
  const OutlineShape flat = outline_shape(std::vector<float>{0, 0, 5, 5, 10, 10}, {});
  EXPECT_EQ(flat.area, 0);
  EXPECT_NEAR(flat.perimeter, 2 * std::hypot(10, 10), 1e-9);
  EXPECT_EQ(flat.circularity, 0);
  EXPECT_TRUE(std::isnan(flat.major_axis) && std::isnan(flat.minor_axis) && std::isnan(flat.eccentricity));
  EXPECT_TRUE(std::isnan(flat.solidity));
  EXPECT_EQ(outline_shape(std::vector<float>{7, 7}, {}).perimeter, 0);
  EXPECT_EQ(outline_shape({}, {}).perimeter, 0);
  // Two loops of a bow tie cancel each other: no ellipse has such moments.
  const OutlineShape bow = outline_shape(std::vector<float>{0, 0, 10, 10, 10, 0, 0, 11}, {});
  EXPECT_GE(bow.area, 0);
}

TEST(OutlineShape, ColumnsOfAList) {
  NucleusList list;
  for (const double radius : {4.0, 6.0}) {
    const std::vector<float> ring = ellipse(radius, radius, 40);
    list.contour_points.insert(list.contour_points.end(), ring.begin(), ring.end());
    list.contour_starts.push_back(list.contour_points.size() / 2);
    list.areas.push_back(0);
  }
  const auto metric = shape_columns(list, {.x = 0.25, .y = 0.25, .metric = true});
  std::vector<std::string> names;
  for (const MeasurementColumn& column : metric) names.push_back(column.name);
  EXPECT_EQ(names, (std::vector<std::string>{"perimeter_um", "circularity", "major_axis_um", "minor_axis_um",
                                             "eccentricity", "solidity"}));
  ASSERT_EQ(metric[0].values.size(), 2u);
  EXPECT_NEAR(metric[0].values[1], 2 * kPi * 1.5, 0.02);
  EXPECT_EQ(shape_columns(list, {})[0].name, "perimeter_px");
  EXPECT_EQ(shape_columns({}, {}).size(), 6u);
}

}  // namespace
}  // namespace histojet::nuclei
