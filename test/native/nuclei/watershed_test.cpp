#include "nuclei/watershed.hpp"

#include <random>

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
  for (unsigned seed = 0; seed < 400; ++seed) {
    for (const bool monotone : {false, true}) {
      const Basin basin = random_basin(seed, seed % 2 == 0 ? 1u << 30 : 60);
      Basin fast = basin, exact = basin;
      watershed(exact.values.data(), exact.labels.data(), exact.box.y1 + 2, exact.stride, monotone);
      if (flood(fast, monotone)) {
        EXPECT_EQ(fast.labels, exact.labels) << seed;
        ++floods;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(floods, 350);
  EXPECT_GT(refused, 100);
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
