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
  EXPECT_GT(floods, 350);
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

TEST(SlotSet, GivesTheSmallestOfWhatItHolds) {
  std::mt19937 random(7);
  SlotSet set;
  for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 4096u, 4097u, 300000u}) {
    set.reset(size);
    EXPECT_TRUE(set.empty());
    std::set<std::size_t> expected;
    for (int step = 0; step < 3000 && size > 0; ++step) {
      if (expected.empty() || random() % 5 < 3) {
        const std::size_t number = random() % size;
        set.insert(number);
        expected.insert(number);
      } else {
        ASSERT_EQ(set.smallest(), *expected.begin());
        set.erase(set.smallest());
        expected.erase(expected.begin());
      }
      ASSERT_EQ(set.empty(), expected.empty());
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
