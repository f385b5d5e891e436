#include "tiles/tissue.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.hpp"
#include "tiles/formula_slide.hpp"

using namespace histojet;
using namespace histojet::test;
using tiles::find_tissue;
using tiles::TissueMask;

namespace {

using Rgb = std::array<std::uint8_t, 3>;
constexpr Rgb kGlass{241, 240, 238};
constexpr Rgb kStained{214, 150, 190};

slide::Mpp one_mpp() {
  return {1, 1, slide::MppSource::kVendor};
}

/// Glass and stain with a little noise, so that no threshold falls into an empty gap.
Rgb noisy(const Rgb& color, std::int64_t x, std::int64_t y) {
  const auto noise = static_cast<int>((x * 7919 + y * 104729 + x * y) % 7) - 3;
  return {static_cast<std::uint8_t>(color[0] + noise), static_cast<std::uint8_t>(color[1] + noise),
          static_cast<std::uint8_t>(color[2] - noise)};
}

std::int64_t total(const TissueMask& mask) {
  return std::accumulate(mask.data.begin(), mask.data.end(), std::int64_t{0});
}

}  // namespace

TEST(Tissue, FindsTheStainedDisc) {
  const FormulaSlide slide(1500, 1203, 2, one_mpp(), [](std::int64_t x, std::int64_t y) {
    const bool inside = (x - 600) * (x - 600) + (y - 500) * (y - 500) < 400 * 400;
    return noisy(inside ? kStained : kGlass, x, y);
  });
  const TissueMask mask = find_tissue(slide, 8);
  EXPECT_EQ(mask.width, 188);
  EXPECT_EQ(mask.height, 151);
  EXPECT_DOUBLE_EQ(mask.downsample, 8);
  EXPECT_NEAR(static_cast<double>(total(mask)) * 64, 3.14159 * 400 * 400, 0.04 * 3.14159 * 400 * 400);
  EXPECT_GT(mask.share(400, 300, 400, 400), 0.99);
  EXPECT_EQ(mask.share(1100, 900, 200, 200), 0);
}

TEST(Tissue, GreyDirtAndSpecksDoNotCountSmallHolesDo) {
  const FormulaSlide slide(1600, 1600, 1, one_mpp(), [](std::int64_t x, std::int64_t y) {
    if (y < 160) return noisy({90, 90, 91}, x, y);         // the shadow of a cover slip
    if (x < 20 && y > 1580) return noisy(kStained, x, y);  // a speck of 20 um
    const bool tissue = x > 400 && x < 1200 && y > 400 && y < 1200;
    const bool hole = (x - 800) * (x - 800) + (y - 800) * (y - 800) < 50 * 50;
    return noisy(tissue && !hole ? kStained : kGlass, x, y);
  });
  const TissueMask mask = find_tissue(slide, 8);
  EXPECT_EQ(mask.share(0, 0, 1600, 160), 0);
  EXPECT_EQ(mask.share(0, 1500, 100, 100), 0);
  EXPECT_EQ(mask.share(740, 740, 120, 120), 1);
}

TEST(Tissue, EmptySlideGivesAnEmptyMaskFullSlideAFullOne) {
  const FormulaSlide empty(900, 700, 1, one_mpp(), [](auto x, auto y) { return noisy(kGlass, x, y); });
  EXPECT_EQ(total(find_tissue(empty)), 0);
  const FormulaSlide full(900, 700, 1, one_mpp(), [](auto x, auto y) {
    return noisy((x / 40 + y / 40) % 2 ? kStained : Rgb{150, 90, 160}, x, y);
  });
  const TissueMask mask = find_tissue(full);
  EXPECT_EQ(total(mask), mask.width * mask.height);
}

TEST(Tissue, UnknownResolutionIsTakenAsAQuarterMicrometre) {
  const FormulaSlide slide(640, 320, 1, std::nullopt, [](auto x, auto y) { return noisy(kStained, x, y); });
  const TissueMask mask = find_tissue(slide, 8);
  EXPECT_DOUBLE_EQ(mask.downsample, 32);
  EXPECT_EQ(mask.width, 20);
  EXPECT_THROW(find_tissue(slide, 0), Error);
}

TEST(Tissue, ShareCountsPartsOfPixels) {
  TissueMask mask{2, 2, 10, {1, 0, 0, 1}};
  EXPECT_DOUBLE_EQ(mask.share(0, 0, 20, 20), 0.5);
  EXPECT_DOUBLE_EQ(mask.share(5, 0, 10, 10), 0.5);
  EXPECT_DOUBLE_EQ(mask.share(5, 5, 10, 10), 0.5);
  EXPECT_DOUBLE_EQ(mask.share(2.5, 0, 5, 5), 1);
  EXPECT_DOUBLE_EQ(mask.share(-10, 0, 20, 10), 0.5);
  EXPECT_DOUBLE_EQ(mask.share(10, 10, 40, 40), 100.0 / 1600);
  EXPECT_DOUBLE_EQ(mask.share(100, 100, 5, 5), 0);
  EXPECT_DOUBLE_EQ(mask.share(0, 0, 0, 5), 0);
}
