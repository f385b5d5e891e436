#include "kernels/combine_rows/combine_rows.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_matrix.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const std::vector<std::int32_t> kStarts = {0, 1, 4, 6, 13};
const std::vector<std::int32_t> kMembers = {9, 0, 3, 4, 12, 1, 2, 5, 6, 7, 8, 10, 11};

std::vector<float> combine(const std::vector<float>& rows, const std::vector<float>& weights, std::int64_t channels,
                           Combination combination, Isa isa) {
  std::vector<float> out(static_cast<std::size_t>(4 * channels + 1), -7.0f);
  kCombineRows.pick(isa)({.rows = rows.data(),
                          .row_floats = channels,
                          .starts = kStarts.data(),
                          .members = kMembers.data(),
                          .weights = weights.data(),
                          .out = out.data(),
                          .count = 4,
                          .channels = channels,
                          .combination = combination});
  EXPECT_EQ(out.back(), -7.0f);
  out.pop_back();
  return out;
}

double wanted_value(const std::vector<float>& rows, const std::vector<float>& weights, std::int64_t channels,
                    Combination combination, std::size_t group, std::int64_t c) {
  double sum = 0, largest = -1e9, total = 0;
  for (auto i = static_cast<std::size_t>(kStarts[group]); i < static_cast<std::size_t>(kStarts[group + 1]); ++i) {
    const double weight = combination == Combination::kWeighted ? weights[static_cast<std::size_t>(kMembers[i])] : 1;
    const double value = rows[static_cast<std::size_t>(kMembers[i] * channels + c)];
    sum += weight * value;
    total += weight;
    largest = std::max(largest, value);
  }
  if (combination == Combination::kMax) return largest;
  return combination == Combination::kSum ? sum : sum / total;
}

}  // namespace

TEST(CombineRows, AllVariantsCombine) {
  for (const std::int64_t channels : {1, 7, 16, 63, 200}) {
    Noise noise(static_cast<std::uint32_t>(channels));
    const std::vector<float> rows = noise.vector(13 * channels);
    std::vector<float> weights = noise.vector(13);
    for (float& weight : weights) weight += 2;
    for (const auto combination : {Combination::kSum, Combination::kMean, Combination::kMax, Combination::kWeighted}) {
      const std::vector<float> scalar = combine(rows, weights, channels, combination, Isa::kScalar);
      for (std::size_t i = 0; i < scalar.size(); ++i) {
        const auto c = static_cast<std::int64_t>(i) % channels;
        const std::size_t group = i / static_cast<std::size_t>(channels);
        EXPECT_NEAR(scalar[i], wanted_value(rows, weights, channels, combination, group, c), 1e-6);
      }
      for (const Isa isa : available_isas()) EXPECT_EQ(combine(rows, weights, channels, combination, isa), scalar);
    }
  }
}

TEST(CombineRows, NanSpreads) {
  const std::int64_t channels = 21;
  for (std::int32_t bad : {0, 3, 4}) {  // first, middle and last member of the second group
    std::vector<float> rows(static_cast<std::size_t>(13 * channels), 1.0f);
    for (std::int64_t c = 0; c < channels; ++c) rows[static_cast<std::size_t>(bad * channels + c)] = kNan;
    for (const auto combination : {Combination::kSum, Combination::kMean, Combination::kMax, Combination::kWeighted}) {
      for (const Isa isa : available_isas()) {
        const auto out = combine(rows, std::vector<float>(13, 1.0f), channels, combination, isa);
        for (std::size_t i = 0; i < out.size(); ++i) {
          EXPECT_EQ(std::isnan(out[i]), i / static_cast<std::size_t>(channels) == 1);
        }
      }
    }
  }
}
