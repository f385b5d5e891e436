#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/cpu_info.hpp"
#include "kernels/fused_normalize/fused_normalize.hpp"
#include "kernels/fused_normalize/plane_range.hpp"
#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels {
namespace {

std::vector<Isa> isas() {
  std::vector<Isa> found{Isa::kScalar};
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (detected_isa() >= isa) found.push_back(isa);
  }
  return found;
}

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
      for (const Isa isa : isas()) {
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
  for (const Isa isa : isas()) {
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
    for (const Isa isa : isas()) {
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

TEST(SymmetricFilter, VariantsAgree) {
  std::mt19937 random(2);
  for (const int radius : {0, 1, 2, 10}) {
    for (const std::int64_t width : {0, 1, 15, 16, 17, 100}) {
      std::vector<std::vector<double>> rows(static_cast<std::size_t>(2 * radius + 1));
      for (std::vector<double>& row : rows) {
        for (std::int64_t x = 0; x < width; ++x) row.push_back(static_cast<double>(random()) / 4294967296.0 - 0.5);
      }
      std::vector<const double*> left, right;
      std::vector<double> taps;
      for (int k = 0; k < radius; ++k) {
        left.push_back(rows[static_cast<std::size_t>(k)].data());
        right.push_back(rows[static_cast<std::size_t>(radius + 1 + k)].data());
        taps.push_back(1 + k);
      }
      for (const bool symmetric : {false, true}) {
        const double* centre = symmetric ? rows[static_cast<std::size_t>(radius)].data() : nullptr;
        if (symmetric && width == 0) continue;
        for (const Isa isa : isas()) {
          std::vector<double> out(static_cast<std::size_t>(width));
          double range[2] = {-0.001, 0.001};
          kSymmetricFilter.pick(isa)(
              {centre, left.data(), right.data(), taps.data(), 3, radius, width, out.data(), range});
          for (std::size_t x = 0; x < out.size(); ++x) {
            double expected = symmetric ? 3 * centre[x] : 0;
            for (std::size_t k = 0; k < taps.size(); ++k) {
              expected += taps[k] * (symmetric ? left[k][x] + right[k][x] : right[k][x] - left[k][x]);
            }
            ASSERT_NEAR(out[x], expected, 1e-13) << isa_name(isa);
          }
          out.insert(out.end(), {-0.001, 0.001});
          ASSERT_EQ(range[0], *std::min_element(out.begin(), out.end()));
          ASSERT_EQ(range[1], *std::max_element(out.begin(), out.end()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
