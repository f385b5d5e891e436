#include <cmath>
#include <random>

#include "base/error.hpp"
#include "cases.hpp"
#include "nuclei/edge_strength.hpp"
#include "nuclei/gaussian3.hpp"
#include "nuclei/morphology.hpp"
#include "nuclei/normalize.hpp"
#include "nuclei/sobel.hpp"

namespace histojet::nuclei {
namespace {

using test::Npz;

const Npz& tile() {
  static const Npz npz = test::read_npz(test::own_fixture("nuclei/s128.npz"));
  return npz;
}
const Npz& steps() {
  static const Npz npz = test::read_npz(test::own_fixture("nuclei/s128_intermediate.npz"));
  return npz;
}

/// scale 1, shift 0.
const Normalization kUnchanged({0, 1});

/// 1 - N(Sobel(N(map))) of a whole plane.
std::vector<float> sobel_of(const std::vector<float>& normalized, int taps, Axis axis) {
  std::vector<double> out(128 * 128);
  const ValueRange range = sobel(normalized.data(), 128, 128, kUnchanged, taps, axis,
                                 [&](std::int64_t y, std::int64_t x0, std::span<const double> values) {
                                   std::copy(values.begin(), values.end(), out.begin() + y * 128 + x0);
                                 });
  const auto [low, high] = std::minmax_element(out.begin(), out.end());
  EXPECT_EQ(range.low, *low);
  EXPECT_EQ(range.high, *high);
  const Normalization normalization(range);
  std::vector<float> result;
  for (const double value : out) result.push_back(1.0f - normalization(value));
  return result;
}

TEST(Normalize, EqualsReferenceToTheLastBit) {
  const Maps maps = test::maps_of(tile());
  const std::size_t pixels = maps.np.size();
  for (int channel = 0; channel < 2; ++channel) {
    const std::span<const float> plane(maps.hv.data() + static_cast<std::size_t>(channel) * pixels, pixels);
    std::vector<double> out(pixels);
    Normalization(survey(plane).range).apply(plane, out.data());
    EXPECT_EQ(out, steps().at(channel == 0 ? "h_norm" : "v_norm").as<double>());
  }
}

TEST(Normalize, RoundsOnceLikeAFusedMultiplyAdd) {
  std::mt19937 random(3);
  std::vector<float> values(1000);
  std::vector<double> out(values.size());
  for (int round = 0; round < 200; ++round) {
    const float spread = std::ldexp(1.0f, static_cast<int>(random() % 60) - 30);
    for (float& value : values) value = spread * (static_cast<float>(random()) / 4294967296.0f - 0.3f);
    Normalization normalization(survey(values).range);
    normalization.shift += static_cast<float>(random() % 3) * 1e-7f;
    normalization.apply(values, out.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(out[i], std::fmaf(values[i], normalization.scale, normalization.shift));
    }
  }
}

TEST(Normalize, MeetsDoubleRoundingTies) {
  // scale * value + shift lies so close to the middle of two floats that only a single rounding finds the right one.
  Normalization normalization({0, 1});
  normalization.scale = 1.0f + std::ldexp(1.0f, -23);
  const std::vector<float> values(64, 1.0f + std::ldexp(1.0f, -23));
  std::vector<double> out(64);
  for (int k = -60; k <= -20; ++k) {
    for (const float sign : {-1.0f, 1.0f}) {
      normalization.shift = sign * std::ldexp(1.0f, k);
      normalization.apply(values, out.data());
      EXPECT_EQ(out[0], std::fmaf(values[0], normalization.scale, normalization.shift)) << k;
      EXPECT_EQ(out[63], out[0]);
    }
  }
}

TEST(Normalize, PlaneWithoutContrastBecomesZero) {
  const std::vector<float> values(70, 0.3f);
  std::vector<double> out(70, 5);
  Normalization(survey(values).range).apply(values, out.data());
  EXPECT_EQ(out, std::vector<double>(70, 0.0));
}

TEST(Sobel, EqualsReferenceToTheLastBit) {
  const std::vector<float> h = steps().at("h_norm").as<float>(), v = steps().at("v_norm").as<float>();
  EXPECT_EQ(sobel_of(h, 21, Axis::kX), steps().at("sobelh_k21").as<float>());
  EXPECT_EQ(sobel_of(v, 21, Axis::kY), steps().at("sobelv_k21").as<float>());
  EXPECT_EQ(sobel_of(h, 5, Axis::kX), steps().at("sobelh_k5").as<float>());
  EXPECT_EQ(sobel_of(v, 5, Axis::kY), steps().at("sobelv_k5").as<float>());
}

TEST(Sobel, EveryPixelOnceAndConstantsHaveNoSlope) {
  for (const int taps : {5, 21}) {
    for (const std::int64_t height : {1, 2, 7, 40}) {
      for (const std::int64_t width : {1, 3, 8, 67, 128, 129, 290}) {
        for (const Axis axis : {Axis::kX, Axis::kY}) {
          const std::vector<float> map(static_cast<std::size_t>(height * width), 2.5f);
          std::vector<int> visits(map.size());
          const ValueRange range = sobel(map.data(), height, width, kUnchanged, taps, axis,
                                         [&](std::int64_t y, std::int64_t x0, std::span<const double> values) {
                                           for (std::size_t i = 0; i < values.size(); ++i) {
                                             ++visits[static_cast<std::size_t>(y * width + x0) + i];
                                             ASSERT_EQ(values[i], 0.0);
                                           }
                                         });
          EXPECT_EQ(visits, std::vector<int>(map.size(), 1));
          EXPECT_EQ(range.low, 0.0);
          EXPECT_EQ(range.high, 0.0);
        }
      }
    }
  }
  const float pixel = 0;
  EXPECT_THROW(sobel(&pixel, 1, 1, kUnchanged, 7, Axis::kX, [](std::int64_t, std::int64_t, std::span<const double>) {}),
               Error);
}

TEST(Relief, EqualsReferenceToTheLastBit) {
  const Maps maps = test::maps_of(tile());
  const std::span<const float> hv(maps.hv);
  const GradientRanges ranges{survey(hv.first(128 * 128)).range, survey(hv.last(128 * 128)).range};
  const Box box{0, 0, 128, 128};
  std::vector<double> out(128 * 128);
  std::vector<float> scratch;

  const Components blobs = label4(test::mask_from(steps().at("hovernet_blb").as<int>(), 128, 128));
  relief(edge_strength(maps, ranges, blobs, 21, Combination::kMaximum, {}), box, ReliefType::kDouble, out.data(), 128,
         scratch);
  EXPECT_EQ(out, steps().at("hovernet_dist").as<double>());

  const Components opened = label4(test::mask_from(steps().at("hoverfast_opening").as<int>(), 128, 128));
  relief(edge_strength(maps, ranges, opened, 5, Combination::kRootOfSum, {}), box, ReliefType::kFloat, out.data(), 128,
         scratch);
  EXPECT_EQ(out, steps().at("hoverfast_dist").as<double>());
}

TEST(Relief, PartOfATileEqualsTheWhole) {
  std::mt19937 random(5);
  for (const auto& [height, width] : {std::pair<int, int>{1, 1}, {1, 9}, {9, 1}, {2, 2}, {13, 17}}) {
    const Components tile = label4(
        test::mask_from(test::random_blobs(height, width, static_cast<unsigned>(height * width)), height, width));
    EdgeStrength strength(tile);
    for (std::size_t i = 0; i < strength.size(); ++i) strength.data()[i] = static_cast<float>(random() % 1000) / 999.0f;
    std::vector<float> scratch;
    std::vector<double> whole(static_cast<std::size_t>(height * width));
    relief(strength, {0, 0, height, width}, ReliefType::kDouble, whole.data(), width, scratch);
    for (int trial = 0; trial < 20; ++trial) {
      Box box{static_cast<int>(random() % height), static_cast<int>(random() % width), 0, 0};
      box.y1 = box.y0 + 1 + static_cast<int>(random() % (height - box.y0));
      box.x1 = box.x0 + 1 + static_cast<int>(random() % (width - box.x0));
      const int columns = box.x1 - box.x0;
      std::vector<double> part(static_cast<std::size_t>((box.y1 - box.y0) * columns));
      relief(strength, box, ReliefType::kDouble, part.data(), columns, scratch);
      for (int y = box.y0; y < box.y1; ++y) {
        for (int x = box.x0; x < box.x1; ++x) {
          ASSERT_EQ(part[static_cast<std::size_t>((y - box.y0) * columns + x - box.x0)],
                    whole[static_cast<std::size_t>(y * width + x)]);
        }
      }
    }
  }
}

TEST(Morphology, OpeningEqualsReference) {
  const Maps maps = test::maps_of(tile());
  BitMask mask(128, 128);
  for (std::int64_t i = 0; i < 128 * 128; ++i) {
    if (maps.np[static_cast<std::size_t>(i)] > 0.5f) mask.set(i / 128, i % 128);
  }
  EXPECT_EQ(open5(mask, 2), test::mask_from(steps().at("hoverfast_opening").as<int>(), 128, 128));
}

TEST(Morphology, EqualsDefinitionOnOddSizes) {
  const auto ellipse = [](int dy, int dx) {
    return std::abs(dy) == 2 ? dx == 0 : std::abs(dx) <= 2 && std::abs(dy) < 2;
  };
  for (const auto& [height, width] : {std::pair<int, int>{1, 1}, {3, 64}, {20, 63}, {17, 65}, {9, 130}}) {
    const std::vector<int> pixels = test::random_blobs(height, width, static_cast<unsigned>(width));
    const int rows = height, columns = width;
    const auto step = [&](const std::vector<int>& in, bool erode) {
      std::vector<int> out(in.size());
      for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) {
          bool all = true, any = false;
          for (int dy = -2; dy <= 2; ++dy) {
            for (int dx = -2; dx <= 2; ++dx) {
              const bool inside = y + dy >= 0 && y + dy < rows && x + dx >= 0 && x + dx < columns;
              if (!ellipse(dy, dx) || !inside) continue;
              const bool set = in[static_cast<std::size_t>((y + dy) * columns + x + dx)] != 0;
              all = all && set;
              any = any || set;
            }
          }
          out[static_cast<std::size_t>(y * columns + x)] = erode ? all : any;
        }
      }
      return out;
    };
    const std::vector<int> expected = step(step(pixels, true), false);
    EXPECT_EQ(open5(test::mask_from(pixels, height, width), 1), test::mask_from(expected, height, width));
  }
}

}  // namespace
}  // namespace histojet::nuclei
