#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/cpu_info.hpp"
#include "kernels/fused_normalize/fused_normalize.hpp"
#include "kernels/fused_normalize/symmetric_filter.hpp"

namespace histojet::kernels {
namespace {

std::vector<Isa> isas() {
  return detected_isa() >= Isa::kAvx2 ? std::vector<Isa>{Isa::kScalar, Isa::kAvx2} : std::vector<Isa>{Isa::kScalar};
}

TEST(FusedNormalize, EveryVariantRoundsOnce) {
  std::mt19937 random(1);
  for (const std::int64_t count : {0, 1, 7, 8, 63, 64, 65, 300}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<float> in(static_cast<std::size_t>(count) + 1), out(in.size());
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
  std::vector<float> in(70, infinity), out(70);
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
          kSymmetricFilter.pick(isa)({centre, left.data(), right.data(), taps.data(), 3, radius, width, out.data()});
          for (std::size_t x = 0; x < out.size(); ++x) {
            double expected = symmetric ? 3 * centre[x] : 0;
            for (std::size_t k = 0; k < taps.size(); ++k) {
              expected += taps[k] * (symmetric ? left[k][x] + right[k][x] : right[k][x] - left[k][x]);
            }
            ASSERT_NEAR(out[x], expected, 1e-13) << isa_name(isa);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
