#include "nuclei/repair.hpp"

#include <algorithm>

#include "cases.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

Ring ring_of(const test::Json& points) {
  Ring ring;
  for (const test::Json& point : points.list) {
    ring.push_back({static_cast<std::int32_t>(point[0].number), static_cast<std::int32_t>(point[1].number)});
  }
  return ring;
}

/// The closed ring without its last point, begun at its smallest point.
Ring canonical(Ring ring) {
  if (ring.empty()) return ring;
  ring.pop_back();
  const auto less = [](Point a, Point b) { return a.x != b.x ? a.x < b.x : a.y < b.y; };
  std::rotate(ring.begin(), std::min_element(ring.begin(), ring.end(), less), ring.end());
  return ring;
}

TEST(Repair, FindsTheRingOfTheReference) {
  const test::Json cases = test::read_json(test::own_fixture("nuclei/invalid_polygons.json"));
  int same_start = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Ring input = ring_of(cases[i]["input"]), expected = ring_of(cases[i]["output_closed_ring"]);
    EXPECT_FALSE(is_valid_polygon(input)) << i;
    const Ring output = repaired(input);
    EXPECT_EQ(canonical(output), canonical(expected)) << i;
    EXPECT_EQ(output.front(), output.back());
    same_start += output == expected;
  }
  RecordProperty("same_start", same_start);
  RecordProperty("cases", static_cast<int>(cases.size()));
}

TEST(Repair, ValidPolygons) {
  EXPECT_TRUE(is_valid_polygon({{0, 0}, {0, 4}, {4, 4}, {4, 0}}));
  EXPECT_TRUE(is_valid_polygon({{0, 0}, {0, 4}, {0, 4}, {4, 4}, {4, 0}, {0, 0}}));
  EXPECT_FALSE(is_valid_polygon({{0, 0}, {4, 4}}));
  EXPECT_FALSE(is_valid_polygon({{0, 0}, {4, 4}, {2, 2}}));
}

TEST(Repair, NothingLeftOfARingWithoutArea) {
  EXPECT_TRUE(repaired({{0, 0}, {4, 4}, {2, 2}}).empty());
  EXPECT_TRUE(repaired({}).empty());
  EXPECT_TRUE(repaired({{1, 1}}).empty());
}

}  // namespace
}  // namespace histojet::nuclei
