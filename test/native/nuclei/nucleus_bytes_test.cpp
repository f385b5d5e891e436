#include "nuclei/nucleus_bytes.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

using namespace histojet;
using nuclei::NucleusList;

namespace {

/// `count` triangles with odd values in all arrays.
NucleusList triangles(int count, bool typed, bool with_probabilities) {
  NucleusList list;
  for (int i = 0; i < count; ++i) {
    const float x = 0.1f * static_cast<float>(i);
    list.centroids.insert(list.centroids.end(), {x, -x});
    list.boxes.insert(list.boxes.end(), {x, x, x + 1, x + 2});
    list.areas.push_back(x * x);
    if (typed) list.types.push_back(static_cast<std::uint8_t>(i % 5));
    if (with_probabilities) list.type_probabilities.push_back(0.5f + x);
    list.contour_points.insert(list.contour_points.end(), {x, x, x + 1, x, x, x + 2});
    list.contour_starts.push_back(list.contour_points.size() / 2);
  }
  return list;
}

void expect_equal(const NucleusList& a, const NucleusList& b) {
  EXPECT_EQ(a.centroids, b.centroids);
  EXPECT_EQ(a.boxes, b.boxes);
  EXPECT_EQ(a.areas, b.areas);
  EXPECT_EQ(a.types, b.types);
  EXPECT_EQ(a.type_probabilities, b.type_probabilities);
  EXPECT_EQ(a.contour_starts, b.contour_starts);
  EXPECT_EQ(a.contour_points, b.contour_points);
  ASSERT_EQ(a.measurements.size(), b.measurements.size());
  for (std::size_t m = 0; m < a.measurements.size(); ++m) {
    EXPECT_EQ(a.measurements[m].name, b.measurements[m].name);
    EXPECT_EQ(a.measurements[m].values, b.measurements[m].values);
  }
}

NucleusList measured(NucleusList list) {
  list.measurements = {{"perimeter_um", std::vector<float>(list.size(), 3.5f)},
                       {"a name longer than a string holds in place", std::vector<float>(list.size(), -1)}};
  return list;
}

}  // namespace

TEST(NucleusBytes, ListsComeBackBitForBit) {
  const std::vector<NucleusList> lists{triangles(7, true, true),           triangles(0, false, false),
                                       triangles(3, false, false),         triangles(2, true, false),
                                       measured(triangles(4, true, true)), measured(triangles(0, false, false))};
  std::vector<std::uint8_t> bytes;
  for (const NucleusList& list : lists) nuclei::append_bytes(list, bytes);
  std::span<const std::uint8_t> rest(bytes);
  for (const NucleusList& list : lists) expect_equal(nuclei::take_list(rest), list);
  EXPECT_TRUE(rest.empty());
}

TEST(NucleusBytes, EveryCutIsRefused) {
  std::vector<std::uint8_t> bytes;
  nuclei::append_bytes(measured(triangles(3, true, true)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::span<const std::uint8_t> rest(bytes.data(), size);
    EXPECT_THROW(nuclei::take_list(rest), Error) << size;
  }
}

TEST(NucleusBytes, ArraysThatDoNotFitAreRefused) {
  const auto refused = [](auto change) {
    NucleusList list = measured(triangles(3, true, true));
    change(list);
    std::vector<std::uint8_t> bytes;
    nuclei::append_bytes(list, bytes);
    std::span<const std::uint8_t> rest(bytes);
    EXPECT_THROW(nuclei::take_list(rest), Error);
  };
  refused([](NucleusList& list) { list.centroids.pop_back(); });
  refused([](NucleusList& list) { list.boxes.clear(); });
  refused([](NucleusList& list) { list.types.pop_back(); });
  refused([](NucleusList& list) { list.type_probabilities.push_back(1); });
  refused([](NucleusList& list) { list.contour_starts.clear(); });
  refused([](NucleusList& list) { list.contour_starts[1] = 1u << 30; });
  refused([](NucleusList& list) { list.contour_starts[0] = 1; });
  refused([](NucleusList& list) { list.contour_points.pop_back(); });
  refused([](NucleusList& list) { list.measurements[1].values.pop_back(); });
}
