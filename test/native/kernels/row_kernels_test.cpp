#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/conv_reference.hpp"
#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/softmax/softmax.hpp"
#include "kernels/stored_matrix.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredMatrix;

namespace {

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit};
constexpr std::int64_t kRows = 3;

double rounding(Storage storage) {
  return storage == Storage::kFloat32 ? 2e-6 : storage == Storage::kSplit ? 2e-5 : 4e-3;
}

/// Rows around `mean`, NaN in the additional values.
StoredMatrix input(Storage storage, std::int64_t channels, float mean) {
  Noise noise(static_cast<std::uint32_t>(channels));
  StoredMatrix matrix(storage, kRows, padded_channels(channels), padded_channels(channels) * 4 + 64);
  for (std::int64_t y = 0; y < kRows; ++y) {
    for (std::int64_t c = 0; c < matrix.columns(); ++c) {
      matrix.set(y, c, c < channels ? mean + noise.next() : std::nanf(""));
    }
  }
  return matrix;
}

StoredMatrix norm(const StoredMatrix& in, Storage from, Storage to, std::int64_t channels, const float* gamma,
                  const float* beta, Isa isa) {
  StoredMatrix out(to, kRows, in.columns(), in.columns() * 4 + 128);
  kLayerNorm.pick(isa)({.in = {in.row(0), in.plane_bytes()},
                        .out = {out.row(0), out.plane_bytes()},
                        .in_row_bytes = in.row_bytes(),
                        .out_row_bytes = out.row_bytes(),
                        .rows = kRows,
                        .channels = channels,
                        .gamma = gamma,
                        .beta = beta,
                        .epsilon = 1e-5f,
                        .in_storage = from,
                        .out_storage = to});
  EXPECT_TRUE(out.is_poison_intact());
  return out;
}

double wanted_norm(const StoredMatrix& in, std::int64_t y, std::int64_t c, std::int64_t channels) {
  double mean = 0;
  double variance = 0;
  for (std::int64_t i = 0; i < channels; ++i) mean += in.value(y, i) / static_cast<double>(channels);
  for (std::int64_t i = 0; i < channels; ++i) {
    variance += std::pow(in.value(y, i) - mean, 2) / static_cast<double>(channels);
  }
  return (in.value(y, c) - mean) / std::sqrt(variance + 1e-5);
}

StoredMatrix soften(const std::vector<float>& in, std::int64_t columns, float scale, Storage to, Isa isa) {
  StoredMatrix out(to, kRows, padded_channels(columns), padded_channels(columns) * 4 + 64);
  kSoftmax.pick(isa)({.in = in.data(),
                      .out = {out.row(0), out.plane_bytes()},
                      .in_row_floats = static_cast<std::int64_t>(in.size()) / kRows,
                      .out_row_bytes = out.row_bytes(),
                      .rows = kRows,
                      .columns = columns,
                      .scale = scale,
                      .out_storage = to});
  EXPECT_TRUE(out.is_poison_intact());
  return out;
}

}  // namespace

TEST(LayerNorm, EveryVariantAndStorageFollowsTheFormula) {
  for (const std::int64_t channels : {1, 2, 7, 16, 31, 96, 100, 197, 768, 1025}) {
    Noise noise(5);
    const std::vector<float> gamma = noise.vector(padded_channels(channels));
    const std::vector<float> beta = noise.vector(padded_channels(channels));
    for (const Storage from : kStorages) {
      const StoredMatrix in = input(from, channels, 0.3f);
      for (const Storage to : kStorages) {
        for (const Isa isa : available_isas()) {
          SCOPED_TRACE(std::string(isa_name(isa)) + " channels " + std::to_string(channels));
          const StoredMatrix out = norm(in, from, to, channels, gamma.data(), beta.data(), isa);
          const StoredMatrix plain = norm(in, from, to, channels, nullptr, nullptr, isa);
          for (std::int64_t y = 0; y < kRows; ++y) {
            for (std::int64_t c = 0; c < out.columns(); ++c) {
              if (c >= channels) {
                ASSERT_EQ(out.value(y, c), 0.0f);
                continue;
              }
              const double value = wanted_norm(in, y, c, channels);
              const auto i = static_cast<std::size_t>(c);
              ASSERT_NEAR(plain.value(y, c), value, rounding(to) * (1 + std::abs(value))) << y << " " << c;
              ASSERT_NEAR(out.value(y, c), value * gamma[i] + beta[i], rounding(to) * (2 + std::abs(value)));
            }
          }
        }
      }
    }
  }
}

TEST(LayerNorm, ALargeMeanDoesNotCostDigits) {
  const std::int64_t channels = 384;
  const StoredMatrix in = input(Storage::kFloat32, channels, 1000.0f);
  for (const Isa isa : available_isas()) {
    const StoredMatrix out = norm(in, Storage::kFloat32, Storage::kFloat32, channels, nullptr, nullptr, isa);
    for (std::int64_t c = 0; c < channels; ++c) {
      ASSERT_NEAR(out.value(1, c), wanted_norm(in, 1, c, channels), 5e-4) << isa_name(isa);
    }
  }
}

TEST(Softmax, EveryVariantAndStorageFollowsTheFormula) {
  for (const std::int64_t columns : {1, 3, 8, 15, 16, 49, 197, 256, 1000}) {
    const std::int64_t pitch = padded_channels(columns) + 5;
    std::vector<float> in = Noise(static_cast<std::uint32_t>(columns)).vector(kRows * pitch);
    for (std::int64_t i = 0; i < kRows * pitch; ++i) {
      if (i % pitch >= columns) in[static_cast<std::size_t>(i)] = std::nanf("");
    }
    for (const float scale : {0.125f, 40.0f}) {
      for (const Storage to : kStorages) {
        for (const Isa isa : available_isas()) {
          const StoredMatrix out = soften(in, columns, scale, to, isa);
          for (std::int64_t y = 0; y < kRows; ++y) {
            double sum = 0;
            const auto power = [&](std::int64_t c) {
              return std::exp(static_cast<double>(scale) * in[static_cast<std::size_t>(y * pitch + c)]);
            };
            for (std::int64_t c = 0; c < columns; ++c) sum += power(c);
            for (std::int64_t c = 0; c < out.columns(); ++c) {
              const double value = c < columns ? power(c) / sum : 0;
              ASSERT_NEAR(out.value(y, c), value, (rounding(to) + 4e-6) * value + 1e-35)
                  << isa_name(isa) << " " << columns;
            }
          }
        }
      }
    }
  }
}

TEST(Softmax, LargeNumbersAndMasks) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const Isa isa : available_isas()) {
    std::vector<float> in(static_cast<std::size_t>(kRows * 32), -inf);
    in[3] = 3e38f;  // row 0: one number, so large that its exponential is infinite
    in[32 + 4] = -3e37f;
    in[32 + 17] = -3e37f;  // row 1: two equal ones; row 2: none
    const StoredMatrix out = soften(in, 20, 1.0f, Storage::kFloat32, isa);
    for (std::int64_t c = 0; c < 20; ++c) {
      EXPECT_EQ(out.value(0, c), c == 3 ? 1.0f : 0.0f) << isa_name(isa) << " " << c;
      EXPECT_EQ(out.value(1, c), c == 4 || c == 17 ? 0.5f : 0.0f) << isa_name(isa) << " " << c;
      EXPECT_EQ(out.value(2, c), 0.0f) << isa_name(isa) << " " << c;
    }
  }
}

TEST(Softmax, WorksInPlace) {
  for (const Isa isa : available_isas()) {
    StoredMatrix rows(Storage::kFloat32, kRows, 32, Noise(2).vector(kRows * 32));
    const auto* in = reinterpret_cast<const float*>(rows.row(0));
    kSoftmax.pick(isa)(
        {in, {rows.row(0), 0}, rows.row_bytes() / 4, rows.row_bytes(), kRows, 21, 1.0f, Storage::kFloat32});
    for (std::int64_t y = 0; y < kRows; ++y) {
      double sum = 0;
      for (std::int64_t c = 0; c < 32; ++c) sum += rows.value(y, c);
      EXPECT_NEAR(sum, 1, 1e-6);
      EXPECT_EQ(rows.value(y, 21), 0.0f);
    }
  }
}
