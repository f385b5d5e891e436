#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "available_isas.hpp"
#include "kernels/fused_normalize/fused_normalize.hpp"
#include "kernels/fused_normalize/plane_range.hpp"
#include "kernels/nuclei_maps/at_least.hpp"
#include "kernels/nuclei_maps/edge_strength_row.hpp"
#include "kernels/nuclei_maps/flood_front.hpp"
#include "kernels/nuclei_maps/packed_pixels.hpp"
#include "kernels/nuclei_maps/relief_box.hpp"
#include "kernels/nuclei_maps/sobel_pass.hpp"

namespace histojet::kernels {
namespace {

TEST(FusedNormalize, EveryVariantRoundsOnce) {
  std::mt19937 random(1);
  for (const std::int64_t count : {0, 1, 7, 8, 63, 64, 65, 300}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<float> in(static_cast<std::size_t>(count) + 1);
      std::vector<double> out(in.size());
      for (float& value : in) {
        value =
            std::ldexp(static_cast<float>(static_cast<std::int32_t>(random())), static_cast<int>(random() % 200) - 130);
      }
      const float scale =
          std::ldexp(1.0f + static_cast<float>(random() % 4096) / 4096, static_cast<int>(random() % 40) - 20);
      const float shift = in[0] * -scale;
      for (const Isa isa : test::available_isas()) {
        kFusedNormalize.pick(isa)({in.data() + 1, out.data() + 1, count, scale, shift});
        for (std::size_t i = 1; i < in.size(); ++i) ASSERT_EQ(out[i], std::fmaf(in[i], scale, shift)) << isa_name(isa);
      }
    }
  }
}

TEST(FusedNormalize, InfinitiesAndNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> in(70, infinity);
  std::vector<double> out(70);
  in[1] = -infinity;
  in[2] = std::nanf("");
  for (const Isa isa : test::available_isas()) {
    kFusedNormalize.pick(isa)({in.data(), out.data(), 70, 2, 1});
    EXPECT_EQ(out[0], infinity);
    EXPECT_EQ(out[1], -infinity);
    EXPECT_TRUE(std::isnan(out[2]));
    EXPECT_EQ(out[69], infinity);
  }
}

TEST(PlaneRange, FindsExtremesAndWhatIsNotFinite) {
  std::mt19937 random(4);
  for (const std::int64_t count : {1, 7, 31, 32, 33, 64, 100}) {
    std::vector<float> in;
    for (std::int64_t i = 0; i < count; ++i) in.push_back(static_cast<float>(static_cast<std::int32_t>(random())));
    for (const Isa isa : test::available_isas()) {
      float low = 0, high = 0;
      int finite = -1;
      kPlaneRange.pick(isa)({in.data(), count, &low, &high, &finite});
      EXPECT_EQ(low, *std::min_element(in.begin(), in.end()));
      EXPECT_EQ(high, *std::max_element(in.begin(), in.end()));
      EXPECT_EQ(finite, 1);
      for (const float odd :
           {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf("")}) {
        std::vector<float> broken = in;
        broken[static_cast<std::size_t>(count / 2)] = odd;
        kPlaneRange.pick(isa)({broken.data(), count, &low, &high, &finite});
        EXPECT_EQ(finite, 0) << odd;
      }
    }
  }
}

/// Taps of a filter, whole numbers as those of the Sobel filters are.
std::vector<double> some_taps(int radius) {
  std::vector<double> taps;
  for (int k = 0; k <= radius; ++k) taps.push_back(100 - 7 * k);
  return taps;
}

TEST(SobelRow, VariantsAgreeToTheBit) {
  std::mt19937 random(2);
  for (const int radius : {2, 10}) {
    const std::vector<double> taps = some_taps(radius);
    for (const std::int64_t width : {1, 15, 16, 17, 31, 32, 33, 100, 128}) {
      std::vector<double> in;
      for (std::int64_t x = -kSobelLead; x < width + kSobelLead; ++x) {
        const float value = std::ldexp(static_cast<float>(random() % 0x1000000), -static_cast<int>(random() % 60));
        in.push_back(x < -radius || x >= width + radius ? std::nanf("") : value);
      }
      for (const bool symmetric : {false, true}) {
        std::vector<double> expected;
        for (std::int64_t x = 0; x < width; ++x) {
          double sum = 0;
          for (int k = -radius; k <= radius; ++k) {
            const double tap =
                symmetric || k > 0 ? taps[static_cast<std::size_t>(std::abs(k))] : -taps[static_cast<std::size_t>(-k)];
            if (symmetric || k != 0) sum += in[static_cast<std::size_t>(x + kSobelLead + k)] * tap;
          }
          expected.push_back(sum);
        }
        for (const Isa isa : test::available_isas()) {
          std::vector<double> out(static_cast<std::size_t>(width));
          kSobelRow.pick(isa)({in.data() + kSobelLead, taps.data(), radius, symmetric, width, out.data()});
          ASSERT_EQ(out, expected) << isa_name(isa) << " " << width;
        }
      }
    }
  }
}

TEST(SobelColumn, VariantsAgree) {
  std::mt19937 random(2);
  for (const int radius : {2, 10}) {
    const std::vector<double> taps = some_taps(radius);
    for (const std::int64_t width : {1, 3, 4, 5, 8, 15, 100, 128}) {
      for (const std::int64_t rows : {1, 3, 4, 7, 16}) {
        std::vector<double> in;
        for (std::int64_t i = 0; i < (rows + 2 * radius) * kSobelStride; ++i) {
          in.push_back(static_cast<double>(random()) / 4294967296.0 - 0.5);
        }
        for (const bool symmetric : {false, true}) {
          for (const Isa isa : test::available_isas()) {
            std::vector<double> out(static_cast<std::size_t>(rows * kSobelStride), 7), seen{-0.001, 0.001};
            double range[2] = {-0.001, 0.001};
            kSobelColumn.pick(isa)(
                {in.data() + radius * kSobelStride, taps.data(), radius, symmetric, width, rows, out.data(), range});
            for (std::int64_t y = 0; y < rows; ++y) {
              for (std::int64_t x = 0; x < kSobelStride; ++x) {
                const auto at = [&](std::int64_t k) {
                  return in[static_cast<std::size_t>((y + radius + k) * kSobelStride + x)];
                };
                const double found = out[static_cast<std::size_t>(y * kSobelStride + x)];
                if (x >= width) {
                  ASSERT_EQ(found, 7);
                  continue;
                }
                double expected = symmetric ? taps[0] * at(0) : 0;
                for (int k = 1; k <= radius; ++k) {
                  expected += taps[static_cast<std::size_t>(k)] * (symmetric ? at(k) + at(-k) : at(k) - at(-k));
                }
                ASSERT_NEAR(found, expected, 1e-11) << isa_name(isa);
                seen.push_back(found);
              }
            }
            ASSERT_EQ(range[0], *std::min_element(seen.begin(), seen.end()));
            ASSERT_EQ(range[1], *std::max_element(seen.begin(), seen.end()));
          }
        }
      }
    }
  }
}

TEST(AtLeast, VariantsAgree) {
  std::mt19937 random(3);
  for (const std::int64_t count : {0, 1, 15, 16, 63, 64, 65, 130, 200}) {
    std::vector<float> in;
    for (std::int64_t i = 0; i < count; ++i) in.push_back(static_cast<float>(random() % 3) / 4);
    if (count > 20) in[7] = std::nanf("");
    for (const Isa isa : test::available_isas()) {
      std::vector<std::uint64_t> out(static_cast<std::size_t>((count + 63) / 64) + 1, ~std::uint64_t{0});
      kAtLeast.pick(isa)({in.data(), count, 0.25f, out.data()});
      EXPECT_EQ(out.back(), ~std::uint64_t{0}) << "nothing beyond the words";
      for (std::int64_t i = 0; i < (count + 63) / 64 * 64; ++i) {
        const bool expected = i < count && in[static_cast<std::size_t>(i)] >= 0.25f;
        ASSERT_EQ(out[static_cast<std::size_t>(i / 64)] >> (i % 64) & 1, expected ? 1u : 0u) << isa_name(isa);
      }
    }
  }
}

TEST(EdgeStrengthRow, VariantsAgreeToTheBit) {
  std::mt19937 random(5);
  std::vector<double> across, down;
  for (int i = 0; i < 1003; ++i) {
    across.push_back(static_cast<double>(random()) - 2e9);
    down.push_back(static_cast<double>(random()) * static_cast<double>(random()));
  }
  across[17] = down[18] = std::nan("");
  for (const bool maximum : {false, true}) {
    std::vector<float> expected(across.size());
    EdgeStrengthArgs args{across.data(), down.data(), 1003, 2.3e-10f, 0.47f, 5.4e-20f, 1e-9f, maximum, expected.data()};
    kEdgeStrength.pick(Isa::kScalar)(args);
    for (const Isa isa : test::available_isas()) {
      std::vector<float> out(across.size());
      args.out = out.data();
      kEdgeStrength.pick(isa)(args);
      EXPECT_EQ(out, expected) << isa_name(isa);
    }
  }
}

/// Words with no, some and all bits set.
std::vector<std::uint64_t> masks(std::mt19937& random, std::size_t words) {
  std::vector<std::uint64_t> found;
  for (std::size_t w = 0; w < words; ++w) {
    const std::uint64_t bits = std::uint64_t{random()} << 32 | random();
    const std::uint64_t kinds[] = {0, ~std::uint64_t{0}, bits, bits & bits << 1 & bits << 2, std::uint64_t{1} << 63};
    found.push_back(kinds[random() % 5]);
  }
  return found;
}

TEST(PackPixels, KeepsTheMarkedValuesInOrder) {
  std::mt19937 random(7);
  for (int round = 0; round < 100; ++round) {
    const std::vector<std::uint64_t> mask = masks(random, 3);
    std::vector<double> in, expected;
    for (std::size_t i = 0; i < 3 * 64; ++i) {
      in.push_back(static_cast<double>(random()));
      if (mask[i / 64] >> (i % 64) & 1) expected.push_back(in.back());
    }
    for (const Isa isa : test::available_isas()) {
      std::vector<double> out(expected.size() + 8);
      kPackPixels.pick(isa)({in.data(), mask.data(), 3, out.data()});
      out.resize(expected.size());
      EXPECT_EQ(out, expected) << isa_name(isa);
      std::vector<std::uint32_t> starts(4);
      kPackedStarts.pick(isa)({mask.data(), 3, 17, starts.data()});
      EXPECT_EQ(starts[0], 17u) << isa_name(isa);
      EXPECT_EQ(starts[3], 17 + expected.size()) << isa_name(isa);
    }
  }
}

TEST(PackPixels, UnpackPutsThemBack) {
  std::mt19937 random(8);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t mask = masks(random, 1)[0];
    const auto first = static_cast<std::int64_t>(random() % 64);
    const auto count = static_cast<std::int64_t>(1 + random() % static_cast<unsigned>(64 - first));
    // Exactly as many values as the mask has bits: a checker of memory sees what is read beyond.
    std::vector<float> packed, dense(64, 1.0f);
    for (std::size_t i = 0; i < 64; ++i) {
      if (!(mask >> i & 1)) continue;
      packed.push_back(static_cast<float>(random()));
      dense[i] = packed.back();
    }
    std::vector<float> expected(dense.begin() + first, dense.begin() + first + count);
    expected.push_back(-1);
    for (const Isa isa : test::available_isas()) {
      std::vector<float> out(expected.size(), -1);
      kUnpackPixels.pick(isa)({packed.data(), mask, first, count, 1.0f, out.data()});
      EXPECT_EQ(out, expected) << isa_name(isa) << " " << first << " " << count;
    }
  }
}

TEST(ReliefBox, VariantsAgreeToTheBit) {
  std::mt19937 random(6);
  for (const auto& [rows, columns] : {std::pair<int, int>{1, 1}, {2, 7}, {9, 64}, {5, 65}, {3, 200}}) {
    std::vector<float> strength;
    for (int i = 0; i < (rows + 2) * (columns + 2); ++i) {
      strength.push_back(std::ldexp(static_cast<float>(random() % 0x1000000), -24 - static_cast<int>(random() % 20)));
    }
    for (const bool in_double : {false, true}) {
      std::vector<double> expected(static_cast<std::size_t>(rows * (columns + 3)), 5);
      ReliefArgs args{
          strength.data() + columns + 3, columns + 2, rows, columns, in_double, expected.data(), columns + 3};
      kRelief.pick(Isa::kScalar)(args);
      EXPECT_EQ(expected.back(), 5);
      for (const Isa isa : test::available_isas()) {
        std::vector<double> out(expected.size(), 5);
        args.out = out.data();
        kRelief.pick(isa)(args);
        EXPECT_EQ(out, expected) << isa_name(isa);
      }
    }
  }
}

TEST(FloodFront, MarksThePixelsOfMarkersBesideZeros) {
  std::mt19937 random(8);
  for (const std::int64_t count : {1, 15, 63, 64, 65, 200, 640}) {
    for (const std::int64_t stride : {3, 17, 40}) {
      std::vector<std::int32_t> labels(static_cast<std::size_t>(count + 2 * stride));
      for (std::int32_t& label : labels) label = static_cast<std::int32_t>(random() % 8) - 3;
      for (std::int32_t& label : labels) label = label == 0 && random() % 3 > 0 ? 1 << 30 : label;
      std::vector<std::uint64_t> expected(static_cast<std::size_t>((count + 63) / 64));
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = [&](std::int64_t offset) { return labels[static_cast<std::size_t>(stride + i + offset)]; };
        if (at(0) <= 0 || (at(-stride) != 0 && at(-1) != 0 && at(1) != 0 && at(stride) != 0)) continue;
        expected[static_cast<std::size_t>(i / 64)] |= std::uint64_t{1} << (i % 64);
      }
      for (const Isa isa : test::available_isas()) {
        std::vector<std::uint64_t> found(expected.size(), ~std::uint64_t{0});
        kFloodFront.pick(isa)({labels.data() + stride, stride, count, found.data()});
        EXPECT_EQ(found, expected) << isa_name(isa) << ' ' << count << ' ' << stride;
      }
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
