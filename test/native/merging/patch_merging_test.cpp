#include "merging/patch_merging.hpp"

#include <cmath>

#include "base/error.hpp"
#include "token_data.hpp"

using namespace histojet;
using namespace histojet::merging;
using namespace histojet::test;

namespace {

struct Weights {
  std::vector<float> reduction, gamma, beta;
};

Weights random_weights(std::int64_t channels, std::int64_t outputs) {
  const auto values = [](std::uint32_t seed, std::int64_t count) {
    const Tensor tensor = random_tokens(seed, 1, 1, count);
    return std::vector<float>(tensor.values<float>().begin(), tensor.values<float>().end());
  };
  return {values(1, outputs * 4 * channels), values(2, 4 * channels), values(3, 4 * channels)};
}

/// The definition, in double precision, of one merged token.
std::vector<double> merged_token(const std::vector<double>& row, const Weights& weights, std::int64_t outputs) {
  double mean = 0, variance = 0;
  for (const double value : row) mean += value / static_cast<double>(row.size());
  for (const double value : row) variance += (value - mean) * (value - mean) / static_cast<double>(row.size());
  std::vector<double> out(static_cast<std::size_t>(outputs));
  for (std::size_t n = 0; n < out.size(); ++n) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double value = (row[c] - mean) / std::sqrt(variance + 1e-5) * weights.gamma[c] + weights.beta[c];
      out[n] += value * weights.reduction[n * row.size() + c];
    }
  }
  return out;
}

}  // namespace

TEST(PatchMerging, AgreesWithSwin) {
  const SafetensorsFile file = mamba_fixture("patch_merging_swin");
  for (const Isa isa : test::available_isas()) {
    const PatchMerging merging(file.at("weights.reduction.weight").values<float>(),
                               file.at("weights.norm.weight").values<float>(),
                               file.at("weights.norm.bias").values<float>(), 16, 1e-5f, isa);
    Tensor y(DType::kF32, {1, 3, 3, 16});
    merging.forward(file.at("x").values<float>().data(), {1, 5, 6, 8}, y.values<float>().data(), {.isa = isa});
    EXPECT_LE(relative_difference(y.values<float>(), file.at("y").values<float>(), 1), 2e-6);
  }
}

TEST(PatchMerging, GridsOfAnySizeAndChannelsGiveTheDefinition) {
  for (const auto& [height, width, channels, outputs] :
       {std::array<std::int64_t, 4>{1, 1, 1, 1}, {7, 5, 3, 5}, {2, 90, 24, 48}, {33, 31, 6, 17}}) {
    const Weights weights = random_weights(channels, outputs);
    const PatchMerging merging(weights.reduction, weights.gamma, weights.beta, outputs);
    const Tensor x = random_tokens(4, 2, height * width, channels);
    const std::int64_t rows = (height + 1) / 2, columns = (width + 1) / 2;
    Tensor y(DType::kF32, {2, rows * columns, outputs}), one(DType::kF32, {2, rows * columns, outputs});
    const TokenGrid grid{2, height, width, channels};
    merging.forward(x.values<float>().data(), grid, y.values<float>().data());
    merging.forward(x.values<float>().data(), grid, one.values<float>().data(), {.threads = 1});
    EXPECT_TRUE(std::ranges::equal(y.values<float>(), one.values<float>()));
    double worst = 0;
    for (std::int64_t i = 0; i < 2 * rows * columns; ++i) {
      std::vector<double> row;
      for (int part = 0; part < 4; ++part) {
        const std::int64_t ty = i / columns % rows * 2 + part % 2, tx = i % columns * 2 + part / 2;
        for (std::int64_t c = 0; c < channels; ++c) {
          const bool inside = ty < height && tx < width;
          const std::int64_t token = (i / (rows * columns) * height + ty) * width + tx;
          row.push_back(inside ? x.values<float>()[static_cast<std::size_t>(token * channels + c)] : 0.0f);
        }
      }
      const std::vector<double> wanted = merged_token(row, weights, outputs);
      for (std::size_t n = 0; n < wanted.size(); ++n) {
        const float got = y.values<float>()[static_cast<std::size_t>(i * outputs) + n];
        worst = std::max(worst, std::abs(got - wanted[n]) / std::sqrt(4.0 * static_cast<double>(channels)));
      }
    }
    EXPECT_LE(worst, 5e-6);
  }
}

TEST(PatchMerging, ZOrderIsTheSameInAnotherOrder) {
  const Weights weights = random_weights(5, 9);
  const PatchMerging merging(weights.reduction, weights.gamma, weights.beta, 9);
  // A grid of two merged tokens side by side.
  const Tensor grid = random_tokens(5, 1, 8, 5);
  Tensor sequence(DType::kF32, {1, 8, 5});
  const int raster_of[] = {0, 1, 4, 5, 2, 3, 6, 7};
  for (std::size_t t = 0; t < 8; ++t) {
    for (std::size_t c = 0; c < 5; ++c) {
      sequence.values<float>()[t * 5 + c] = grid.values<float>()[static_cast<std::size_t>(raster_of[t]) * 5 + c];
    }
  }
  Tensor wanted(DType::kF32, {2, 9}), got(DType::kF32, {2, 9});
  merging.forward(grid.values<float>().data(), {1, 2, 4, 5}, wanted.values<float>().data());
  merging.forward_z_order(sequence.values<float>().data(), 2, got.values<float>().data());
  EXPECT_TRUE(std::ranges::equal(got.values<float>(), wanted.values<float>()));
}

TEST(PatchMerging, AveragesWhatExists) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<float> y(4);
  average_patches(x.data(), {1, 3, 3, 1}, y.data());
  EXPECT_EQ(y, (std::vector<float>{3, 4.5, 7.5, 9}));
}

TEST(PatchMerging, WrongShapesHaveTypedErrors) {
  const Weights weights = random_weights(2, 3);
  EXPECT_THROW(PatchMerging(weights.reduction, weights.gamma, weights.beta, 4), Error);
  EXPECT_THROW(PatchMerging(weights.reduction, {}, {}, 3), Error);
  const PatchMerging merging(weights.reduction, weights.gamma, weights.beta, 3);
  float value[8] = {};
  EXPECT_THROW(merging.forward(value, {1, 2, 2, 1}, value), Error);
}
