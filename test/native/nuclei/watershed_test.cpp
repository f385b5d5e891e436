#include "nuclei/watershed.hpp"

#include <random>
#include <set>

#include "cases.hpp"
#include "nuclei/flood.hpp"

namespace histojet::nuclei {
namespace {

TEST(Watershed, EqualsScikitImageOnTies) {
  const test::Npz npz = test::read_npz(test::own_fixture("nuclei/watershed_ties.npz"));
  for (int i = 0; i < 4; ++i) {
    const std::string name = std::to_string(i) + ".";
    const test::NpyArray& image = npz.at(name + "image");
    const std::vector<double> values = image.as<double>();
    const std::vector<int> mask = npz.at(name + "mask").as<int>();
    for (const bool monotone : {false, true}) {
      std::vector<std::int32_t> labels = npz.at(name + "markers").as<std::int32_t>();
      for (std::size_t k = 0; k < labels.size(); ++k) labels[k] = mask[k] ? labels[k] : -1;
      watershed(values.data(), labels.data(), image.shape[0], image.shape[1], monotone);
      for (std::int32_t& label : labels) label = std::max(label, 0);
      EXPECT_EQ(labels, npz.at(name + (monotone ? "labels_monotone" : "labels")).as<std::int32_t>())
          << name << monotone;
    }
  }
}

/// A random basin; few distinct values make ties frequent.
Basin random_basin(unsigned seed, unsigned distinct_values) {
  std::mt19937 random(seed);
  Basin basin;
  const int height = 1 + static_cast<int>(random() % 30), width = 1 + static_cast<int>(random() % 30);
  basin.reset({0, 0, height, width});
  // Even where the hint is wrong, the labels are right.
  basin.low = 0;
  basin.high = seed % 5 == 0 ? 1 : distinct_values;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const unsigned kind = random() % 20;
      basin.label_row(y)[x] = kind < 3 ? -1 : kind == 3 ? 1 + static_cast<int>(random() % 5) : 0;
      basin.value_row(y)[x] = static_cast<double>(random() % distinct_values);
    }
  }
  return basin;
}

TEST(Flood, EqualsWatershedOrSaysThatItCannot) {
  int floods = 0, refused = 0;
  Flooder flood;
  for (unsigned seed = 0; seed < 400; ++seed) {
    for (const bool monotone : {false, true}) {
      const Basin basin = random_basin(seed, seed % 2 == 0 ? 1u << 30 : 60);
      Basin fast = basin, exact = basin;
      watershed(exact.values.data(), exact.labels.data(), exact.box.y1 + 2, exact.stride, monotone);
      if (flood(fast, monotone)) {
        EXPECT_EQ(fast.labels, exact.labels) << seed;
        ++floods;
      } else {
        EXPECT_EQ(fast.labels, basin.labels) << "untouched";
        ++refused;
      }
    }
  }
  EXPECT_GT(floods, 400);
  EXPECT_GT(refused, 100);
}

TEST(Flood, ValuesFarApartAndCloseTogether) {
  Flooder flood;
  for (unsigned seed = 0; seed < 60; ++seed) {
    for (const double scale : {1e-320, 1e-300, 1.0, 1e300}) {
      Basin basin = random_basin(seed, 1u << 30);
      for (double& value : basin.values) value = value * scale * 1e-2;
      basin.value_row(0)[0] = seed % 2 == 0 ? 1.7e308 : -1.7e308;
      Basin exact = basin;
      watershed(exact.values.data(), exact.labels.data(), exact.box.y1 + 2, exact.stride, seed % 3 == 0);
      if (flood(basin, seed % 3 == 0)) {
        EXPECT_EQ(basin.labels, exact.labels) << seed;
      }
    }
  }
}

/// A row of `values` with markers 1 and 2 at its ends.
Basin row_basin(const std::vector<double>& values) {
  Basin basin;
  const auto width = static_cast<std::int32_t>(values.size());
  basin.reset({0, 0, 1, width});
  basin.paint({0, 0, width, 0}, 0);
  basin.paint({0, 0, 1, 0}, 1);
  basin.paint({0, width - 1, width, 0}, 2);
  std::copy(values.begin(), values.end(), basin.value_row(0));
  return basin;
}

TEST(Flood, TiedMarkersWhoseOrderChangesNothing) {
  Flooder flood;
  Basin apart = row_basin({0.5, 0.7, 0.9, 0.8, 0.5});
  ASSERT_TRUE(flood(apart, false));
  EXPECT_EQ(apart.labels,
            (std::vector<std::int32_t>{-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 2, 2, -1, -1, -1, -1, -1, -1, -1, -1}));
  for (const std::vector<double>& values : {std::vector<double>{0.5, 0.7, 0.5},            // both reach the pixel
                                            std::vector<double>{0.5, 0.7, 0.9, 0.7, 0.5},  // ages decide
                                            std::vector<double>{0.5, 0.4, 0.3, 0.5}}) {    // the first takes all
    Basin basin = row_basin(values);
    const std::vector<std::int32_t> before = basin.labels;
    EXPECT_FALSE(flood(basin, false)) << values.size();
    EXPECT_EQ(basin.labels, before);
  }
}

TEST(Flood, RefusesWhereAllValuesAreCrowdedIntoOneBucket) {
  std::mt19937 random(3);
  Basin basin;
  basin.reset({0, 0, 200, 200});
  basin.low = 0;
  basin.high = 1;
  for (std::int32_t y = 0; y < 200; ++y) {
    for (std::int32_t x = 0; x < 200; ++x) {
      basin.paint({y, x, x + 1, 0}, x % 4 == 0 && y % 4 == 0 ? 1 + x : 0);
      basin.value_row(y)[x] = 5 + static_cast<double>(random()) * 1e-10;
    }
  }
  const std::vector<std::int32_t> before = basin.labels;
  Flooder flood;
  EXPECT_FALSE(flood(basin, false));
  EXPECT_EQ(basin.labels, before);
  basin.low = 5;
  basin.high = 5.5;
  Basin exact = basin;
  watershed(exact.values.data(), exact.labels.data(), 202, 202, false);
  if (flood(basin, false)) {
    EXPECT_EQ(basin.labels, exact.labels);
  }
}

TEST(ValueQueue, GivesTheSmallestAndOfEqualOnesTheFirst) {
  std::mt19937 random(7);
  ValueQueue queue;
  for (const auto& [distinct, count] :
       {std::pair{1u, 3000}, {5u, 3000}, {300u, 3000}, {1u << 30, 3000}, {5u, 1}, {9u, 7}, {9u, 8}, {9u, 13}}) {
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) value = static_cast<double>(random() % distinct) - 100;
    // The range is only a hint.
    queue.reset(values.data(), values.size(), -100, distinct == 300 ? 0 : distinct);
    EXPECT_TRUE(queue.empty());
    std::set<std::pair<double, std::uint32_t>> expected;
    for (std::uint32_t pushed = 0; pushed < values.size() || !expected.empty();) {
      if (pushed < values.size() && (expected.empty() || random() % 5 < 3)) {
        const bool equal = std::any_of(expected.begin(), expected.end(),
                                       [&](const auto& entry) { return entry.first == values[pushed]; });
        ASSERT_EQ(queue.push(pushed), equal);
        expected.emplace(values[pushed], pushed);
        ++pushed;
      } else {
        ASSERT_EQ(queue.top(), expected.begin()->second);
        ASSERT_EQ(queue.pop(), expected.begin()->second);
        expected.erase(expected.begin());
      }
      ASSERT_EQ(queue.empty(), expected.empty());
    }
  }
}

TEST(Watershed, StopsWhenCancelled) {
  std::vector<double> values(1 << 16);
  std::vector<std::int32_t> labels(values.size());
  labels[0] = 1;
  CancelSource source;
  source.cancel();
  EXPECT_THROW(watershed(values.data(), labels.data(), 256, 256, false, source.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::nuclei
