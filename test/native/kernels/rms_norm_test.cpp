#include "kernels/rms_norm/rms_norm.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/add_rows/add_rows.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/conv_reference.hpp"
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

/// Rows with NaN in the additional values.
StoredMatrix input(Storage storage, std::int64_t channels) {
  Noise noise(static_cast<std::uint32_t>(channels));
  StoredMatrix matrix(storage, kRows, padded_channels(channels), padded_channels(channels) * 4 + 64);
  for (std::int64_t y = 0; y < kRows; ++y) {
    for (std::int64_t c = 0; c < matrix.columns(); ++c) matrix.set(y, c, c < channels ? noise.next() : std::nanf(""));
  }
  return matrix;
}

RmsNormArgs args_of(const StoredMatrix& in, Storage from, const StoredMatrix& out, Storage to, std::int64_t channels,
                    const float* gamma) {
  return {.in = {in.row(0), in.plane_bytes()},
          .out = {out.row(0), out.plane_bytes()},
          .in_row_bytes = in.row_bytes(),
          .out_row_bytes = out.row_bytes(),
          .rows = kRows,
          .channels = channels,
          .gamma = gamma,
          .epsilon = 1e-5f,
          .in_storage = from,
          .out_storage = to};
}

double wanted(const StoredMatrix& in, std::int64_t y, std::int64_t c, std::int64_t channels) {
  double squares = 0;
  for (std::int64_t i = 0; i < channels; ++i) squares += std::pow(in.value(y, i), 2) / static_cast<double>(channels);
  return in.value(y, c) / std::sqrt(squares + 1e-5);
}

}  // namespace

TEST(RmsNorm, EveryVariantAndStorageFollowsTheFormula) {
  for (const std::int64_t channels : {1, 2, 7, 16, 31, 96, 100, 197, 768, 1025}) {
    const std::vector<float> gamma = Noise(5).vector(padded_channels(channels));
    for (const Storage from : kStorages) {
      const StoredMatrix in = input(from, channels);
      for (const Storage to : kStorages) {
        for (const Isa isa : available_isas()) {
          SCOPED_TRACE(std::string(isa_name(isa)) + " channels " + std::to_string(channels));
          const StoredMatrix out(to, kRows, in.columns(), in.columns() * 4 + 128);
          const StoredMatrix plain(to, kRows, in.columns(), in.columns() * 4 + 64);
          kRmsNorm.pick(isa)(args_of(in, from, out, to, channels, gamma.data()));
          kRmsNorm.pick(isa)(args_of(in, from, plain, to, channels, nullptr));
          ASSERT_TRUE(out.is_poison_intact());
          for (std::int64_t y = 0; y < kRows; ++y) {
            for (std::int64_t c = 0; c < out.columns(); ++c) {
              const double value = c < channels ? wanted(in, y, c, channels) : 0;
              const double weight = c < channels ? gamma[static_cast<std::size_t>(c)] : 0;
              const double allowed = c < channels ? rounding(to) * (1 + std::abs(value)) : 0;
              ASSERT_NEAR(plain.value(y, c), value, allowed) << y << " " << c;
              ASSERT_NEAR(out.value(y, c), value * weight, allowed) << y << " " << c;
            }
          }
        }
      }
    }
  }
}

TEST(RmsNorm, WorksInPlaceAndOnRowsOfZeros) {
  for (const Isa isa : available_isas()) {
    const StoredMatrix in = input(Storage::kFloat32, 45);
    for (std::int64_t c = 0; c < 45; ++c) const_cast<StoredMatrix&>(in).set(1, c, 0);
    const StoredMatrix out(Storage::kFloat32, kRows, in.columns(), in.row_bytes());
    kRmsNorm.pick(isa)(args_of(in, Storage::kFloat32, out, Storage::kFloat32, 45, nullptr));
    kRmsNorm.pick(isa)(args_of(in, Storage::kFloat32, in, Storage::kFloat32, 45, nullptr));
    for (std::int64_t y = 0; y < kRows; ++y) {
      for (std::int64_t c = 0; c < in.columns(); ++c) ASSERT_EQ(in.value(y, c), out.value(y, c));
    }
    EXPECT_EQ(out.value(1, 3), 0);
  }
}

TEST(AddRows, EveryVariantGivesTheSameBitsAndTouchesNothingElse) {
  for (const std::int64_t count : {1, 8, 15, 16, 17, 40, 193}) {
    const std::vector<float> in = Noise(1).vector(count), before = Noise(2).vector(count + 2);
    for (const Isa isa : available_isas()) {
      std::vector<float> sum = before, product = before;
      kAddRow.pick(isa)({.in = in.data(), .out = sum.data() + 1, .count = count, .weight = 0.3f});
      kMultiplyRow.pick(isa)({.in = in.data(), .out = product.data() + 1, .count = count});
      for (std::int64_t i = 0; i < count + 2; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const bool inside = i > 0 && i <= count;
        ASSERT_EQ(sum[at], inside ? std::fma(0.3f, in[at - 1], before[at]) : before[at]);
        ASSERT_EQ(product[at], inside ? in[at - 1] * before[at] : before[at]);
      }
    }
  }
}
