#include "slide/color_table.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "base/error.hpp"
#include "fixtures.hpp"

namespace histojet::slide {
namespace {

using Rgb = std::array<double, 3>;

std::vector<std::uint16_t> table_of(const std::function<Rgb(const Rgb&)>& map) {
  std::vector<std::uint16_t> values;
  for (int r = 0; r < 33; ++r) {
    for (int g = 0; g < 33; ++g) {
      for (int b = 0; b < 33; ++b) {
        for (const double v : map({r / 32.0, g / 32.0, b / 32.0})) {
          values.push_back(static_cast<std::uint16_t>(std::lround(65535 * (v + 0.5) / 2)));
        }
      }
    }
  }
  return values;
}

Image random_picture(int channels) {
  Image image(601, 499, channels);
  std::mt19937 random(3);
  for (auto& byte : image.data) byte = static_cast<std::uint8_t>(random());
  for (std::size_t i = 0; i < 3; ++i) image.data[i] = 255, image.data[channels + i] = 0;
  return image;
}

TEST(ColorTable, OfTheSameSpaceChangesNothing) {
  const ColorTable table(table_of([](const Rgb& c) { return c; }));
  const Image before = random_picture(3);
  Image after = before;
  table.apply(after);
  EXPECT_EQ(after.data, before.data);
}

TEST(ColorTable, IsExactForLinearMaps) {
  const auto map = [](const Rgb& c) { return Rgb{0.7 * c[0] + 0.2 * c[1] + 0.1 * c[2], 1 - c[2], 0.25 + 0.5 * c[0]}; };
  const ColorTable table(table_of(map));
  const Image before = random_picture(3);
  Image after = before;
  table.apply(after);
  for (std::size_t i = 0; i < before.data.size(); i += 3) {
    const Rgb wanted = map({before.data[i] / 255.0, before.data[i + 1] / 255.0, before.data[i + 2] / 255.0});
    for (std::size_t k = 0; k < 3; ++k) ASSERT_NEAR(after.data[i + k], 255 * wanted[k], 0.51);
  }
}

TEST(ColorTable, IsCloseForCurves) {
  const auto map = [](const Rgb& c) { return Rgb{std::pow(c[0], 0.8), std::pow(c[1], 1.3), c[0] * c[2]}; };
  const ColorTable table(table_of(map));
  const Image before = random_picture(3);
  Image after = before;
  table.apply(after);
  for (std::size_t i = 0; i < before.data.size(); i += 3) {
    const Rgb wanted = map({before.data[i] / 255.0, before.data[i + 1] / 255.0, before.data[i + 2] / 255.0});
    for (std::size_t k = 0; k < 3; ++k) ASSERT_NEAR(after.data[i + k], 255 * wanted[k], 1.6);
  }
}

TEST(ColorTable, CutsWhatLiesBeyondTheGamut) {
  const auto map = [](const Rgb& c) { return Rgb{1.9 * c[0] - 0.45, 0.5 - c[1], 1.5 - 1.5 * c[2]}; };
  const ColorTable table(table_of(map));
  const Image before = random_picture(3);
  Image after = before;
  table.apply(after);
  for (std::size_t i = 0; i < before.data.size(); i += 3) {
    const Rgb wanted = map({before.data[i] / 255.0, before.data[i + 1] / 255.0, before.data[i + 2] / 255.0});
    for (std::size_t k = 0; k < 3; ++k) ASSERT_NEAR(after.data[i + k], 255 * std::clamp(wanted[k], 0.0, 1.0), 0.51);
  }
}

TEST(ColorTable, LeavesAlphaAndWhatIsTransparent) {
  const ColorTable table(table_of([](const Rgb& c) { return Rgb{1 - c[0], 1 - c[1], 1 - c[2]}; }));
  const Image before = random_picture(4);
  Image after = before;
  table.apply(after);
  for (std::size_t i = 0; i < before.data.size(); i += 4) {
    const std::uint8_t alpha = before.data[i + 3];
    ASSERT_EQ(after.data[i + 3], alpha);
    ASSERT_EQ(after.data[i], alpha == 0 ? before.data[i] : 255 - before.data[i]);
  }
}

TEST(ColorTable, RefusesOtherSizes) {
  EXPECT_THROW(ColorTable(std::vector<std::uint16_t>(100)), Error);
  const ColorTable table(table_of([](const Rgb& c) { return c; }));
  Image grey(4, 4, 1);
  EXPECT_THROW(table.apply(grey), Error);
}

}  // namespace
}  // namespace histojet::slide
