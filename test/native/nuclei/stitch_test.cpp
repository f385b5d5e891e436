#include "nuclei/stitch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "discs.hpp"

namespace histojet::nuclei {
namespace {

using test::Disc;

constexpr double kBand = 32;

/// Discs that do not touch, many of them on seams of any layout.
std::vector<Disc> scene(double side, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) { return low + (high - low) * (random() / 4294967296.0); };
  std::vector<Disc> discs;
  for (double y = 16; y < side - 16; y += 30) {
    for (double x = 16; x < side - 16; x += 30)
      discs.push_back({x + uniform(-4, 4), y + uniform(-4, 4), uniform(4, 9)});
  }
  return discs;
}

/// What each window sees of the scene: discs cut at its outer border, moved by up to `jitter`, differently per window.
NucleusList seen(const std::vector<Disc>& discs, const Core& core, double jitter, std::mt19937& random) {
  NucleusList list;
  for (Disc disc : discs) {
    const auto shift = [&] { return jitter * (random() / 2147483648.0 - 1); };
    disc.x += shift();
    disc.y += shift();
    const double left = core.x0 - kBand, right = core.x1 + kBand, top = core.y0 - kBand, bottom = core.y1 + kBand;
    if (disc.x - disc.radius > right || disc.x + disc.radius < left) continue;
    if (disc.y - disc.radius > bottom || disc.y + disc.radius < top) continue;
    const double x0 = std::max(disc.x - disc.radius, left), x1 = std::min(disc.x + disc.radius, right);
    const double y0 = std::max(disc.y - disc.radius, top), y1 = std::min(disc.y + disc.radius, bottom);
    const double radius = std::min(x1 - x0, y1 - y0) / 2;
    if (radius > 0.7) test::add_disc(list, {(x0 + x1) / 2, (y0 + y1) / 2, radius});
  }
  return list;
}

std::vector<Disc> stitched(const std::vector<Disc>& discs, double side, double core_side, double jitter) {
  std::mt19937 random(7);
  Stitcher stitcher(kBand);
  std::vector<Disc> found;
  for (double y = 0; y < side; y += core_side) {
    for (double x = 0; x < side; x += core_side) {
      const Core core{x, y, x + core_side, y + core_side};
      const NucleusList accepted = stitcher.accept(core, seen(discs, core, jitter, random));
      for (std::size_t i = 0; i < accepted.size(); ++i) {
        found.push_back({accepted.centroids[2 * i], accepted.centroids[2 * i + 1], accepted.boxes[4 * i + 2]});
      }
    }
  }
  return found;
}

/// Each disc of the scene has exactly one nucleus near its centre, and there are no others.
void expect_each_once(const std::vector<Disc>& discs, const std::vector<Disc>& found, double tolerance) {
  EXPECT_EQ(found.size(), discs.size());
  for (const Disc& disc : discs) {
    const auto near = [&](const Disc& nucleus) {
      return std::hypot(nucleus.x - disc.x, nucleus.y - disc.y) < tolerance;
    };
    EXPECT_EQ(std::count_if(found.begin(), found.end(), near), 1) << disc.x << " " << disc.y;
  }
}

TEST(Stitch, NothingDoubledNothingLost) {
  const std::vector<Disc> discs = scene(600, 1);
  for (const double core_side : {100.0, 150.0, 237.0, 600.0}) {
    for (const double jitter : {0.0, 0.4, 1.5}) {
      expect_each_once(discs, stitched(discs, 600, core_side, jitter), 5);
    }
  }
}

TEST(Stitch, PartitionDoesNotMatterWhenWindowsAgree) {
  const std::vector<Disc> discs = scene(500, 2);
  const auto order = [](std::vector<Disc> found) {
    std::sort(found.begin(), found.end(),
              [](const Disc& a, const Disc& b) { return a.y != b.y ? a.y < b.y : a.x < b.x; });
    return found;
  };
  const std::vector<Disc> whole = order(stitched(discs, 500, 500, 0));
  for (const double core_side : {77.0, 125.0, 250.0}) {
    const std::vector<Disc> parts = order(stitched(discs, 500, core_side, 0));
    ASSERT_EQ(parts.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(parts[i].x, whole[i].x);
      EXPECT_EQ(parts[i].y, whole[i].y);
    }
  }
}

TEST(Stitch, CentroidExactlyOnTheSeamBelongsToTheRight) {
  Stitcher stitcher(kBand);
  NucleusList list;
  test::add_disc(list, {100, 50, 8});
  EXPECT_EQ(stitcher.accept({0, 0, 100, 100}, list).size(), 0u);
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, list).size(), 1u);
}

TEST(Stitch, BothOwnIt) {
  Stitcher stitcher(kBand);
  NucleusList left, right;
  test::add_disc(left, {99, 50, 8});
  test::add_disc(right, {101, 50, 8});
  EXPECT_EQ(stitcher.accept({0, 0, 100, 100}, left).size(), 1u);
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, right).size(), 0u);
}

TEST(Stitch, NeitherOwnsIt) {
  Stitcher stitcher(kBand);
  NucleusList left, right;
  test::add_disc(left, {101, 50, 8});
  test::add_disc(right, {99, 50, 8});
  EXPECT_EQ(stitcher.accept({0, 0, 100, 100}, left).size(), 0u);
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, right).size(), 1u);
}

TEST(Stitch, NeighboursThatTouchAreTwoNuclei) {
  Stitcher stitcher(kBand);
  NucleusList left, right;
  test::add_disc(left, {93, 50, 8});
  test::add_disc(right, {107, 50, 8});
  EXPECT_EQ(stitcher.accept({0, 0, 100, 100}, left).size(), 1u);
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, right).size(), 1u);
}

TEST(Stitch, PlacesOfWindowsThatNeverCameAreNotTaken) {
  // Without tissue there is no window: what lies there is nobody's.
  Stitcher stitcher(kBand);
  NucleusList list;
  test::add_disc(list, {95, 50, 8});
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, list).size(), 0u);
  EXPECT_EQ(stitcher.accept({100, 0, 200, 100}, {}).size(), 0u);
}

}  // namespace
}  // namespace histojet::nuclei
