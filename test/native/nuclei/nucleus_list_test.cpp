#include "nuclei/nucleus_list.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace histojet::nuclei {
namespace {

/// One triangle; `probability` below 0: types without probabilities, as lists from outlines have them.
NucleusList triangle(std::uint8_t type, float probability) {
  NucleusList list;
  list.centroids = {1, 1};
  list.boxes = {0, 0, 3, 3};
  list.areas = {4.5f};
  list.types = {type};
  if (probability >= 0) list.type_probabilities = {probability};
  list.contour_points = {0, 0, 3, 0, 0, 3};
  list.contour_starts = {0, 3};
  return list;
}

TEST(NucleusList, AppendsTypesWithAndWithoutProbabilities) {
  const NucleusList sure = triangle(1, 0.75f), bare = triangle(2, -1);
  NucleusList joined;
  joined.append(sure, 0);
  joined.append(sure, 0);
  EXPECT_EQ(joined.type_probabilities, (std::vector<float>{0.75f, 0.75f}));
  joined.append(bare, 0);
  EXPECT_TRUE(joined.type_probabilities.empty());
  joined.append(sure, 0);
  EXPECT_TRUE(joined.type_probabilities.empty());
  EXPECT_EQ(joined.types, (std::vector<std::uint8_t>{1, 1, 2, 1}));
  NucleusList started;
  started.append(bare, 0);
  started.append(sure, 0);
  EXPECT_TRUE(started.type_probabilities.empty());
  EXPECT_EQ(started.size(), 2u);
  EXPECT_EQ(started.contour_starts.back(), 6u);
  EXPECT_THROW(started.append(bare, 1), Error);
}

TEST(NucleusList, AppendsMeasurements) {
  NucleusList round = triangle(1, 0.5f), bare = triangle(1, 0.5f), other = triangle(1, 0.5f);
  round.measurements = {{"circularity", {0.9f}}, {"solidity", {1}}};
  other.measurements = {{"solidity", {0.75f}}, {"circularity", {0.5f}}};
  NucleusList joined;
  joined.append(round, 0);
  joined.append(round, 0);
  ASSERT_EQ(joined.measurements.size(), 2u);
  EXPECT_EQ(joined.measurements[1].name, "solidity");
  EXPECT_EQ(joined.measurements[0].values, (std::vector<float>{0.9f, 0.9f}));
  joined.transform(2, 2, 5, 5, 4);
  EXPECT_EQ(joined.measurements[0].values, (std::vector<float>{0.9f, 0.9f}));
  EXPECT_THROW(joined.append(bare, 0), Error);
  EXPECT_THROW(joined.append(other, 0), Error) << "the same names in another order";
  EXPECT_EQ(joined.size(), 2u);
  EXPECT_EQ(joined.measurements[0].values.size(), 2u);
  NucleusList plain;
  plain.append(bare, 0);
  EXPECT_THROW(plain.append(round, 0), Error);
  NucleusList emptied;
  emptied.measurements = {{"eccentricity", {}}};
  emptied.append(round, 0);
  EXPECT_EQ(emptied.measurements[0].name, "circularity");
}

}  // namespace
}  // namespace histojet::nuclei
