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

}  // namespace
}  // namespace histojet::nuclei
