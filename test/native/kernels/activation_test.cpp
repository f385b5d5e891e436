#include "kernels/activation/activation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_row.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredRow;

namespace {

constexpr Activation kFunctions[] = {Activation::kNone,     Activation::kRelu, Activation::kGeluErf,
                                     Activation::kGeluTanh, Activation::kSilu, Activation::kSigmoid,
                                     Activation::kSoftplus};

void run(const StoredRow& in, Storage in_storage, StoredRow& out, Storage out_storage, Activation function, Isa isa,
         std::int64_t count) {
  kActivation.pick(isa)({.in = {in.pixels(), in.plane_bytes()},
                         .out = {out.pixels(), out.plane_bytes()},
                         .rows = 1,
                         .count = count,
                         .function = function,
                         .in_storage = in_storage,
                         .out_storage = out_storage});
}

std::vector<float> outputs(const std::vector<float>& x, Activation function, Isa isa) {
  const StoredRow in(Storage::kFloat32, x);
  StoredRow out(Storage::kFloat32, in.count());
  run(in, Storage::kFloat32, out, Storage::kFloat32, function, isa, in.count());
  EXPECT_TRUE(out.is_poison_intact());
  std::vector<float> values;
  for (std::int64_t i = 0; i < out.count(); ++i) values.push_back(out.value(i));
  return values;
}

/// Every float in steps of a few hundred units in the last place, up to `limit` on both sides.
std::vector<float> dense_range(float limit) {
  std::vector<float> values;
  for (std::uint32_t bits = 0x2f000000; std::bit_cast<float>(bits) < limit; bits += 977) {
    values.push_back(std::bit_cast<float>(bits));
    values.push_back(-std::bit_cast<float>(bits));
  }
  values.resize(values.size() / 16 * 16);
  return values;
}

double wanted(Activation function, double x) {
  switch (function) {
    case Activation::kGeluErf:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Activation::kGeluTanh:
      return x < 0 ? x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * std::pow(x, 3))))
                   : 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * std::pow(x, 3))));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kSoftplus:
      return x > 30 ? x : std::log1p(std::exp(x));
    case Activation::kRelu:
      return std::max(x, 0.0);
    default:
      return x;
  }
}

double bound(Activation function, double x) {
  if (function == Activation::kGeluTanh) return x > -5.5 ? 5e-6 : 2e-5;
  return function == Activation::kGeluErf ? 1e-6 : 5e-7;
}

}  // namespace

TEST(Activation, StaysWithinTheStatedRelativeErrors) {
  const std::vector<float> x = dense_range(90.0f);
  for (const Activation function : kFunctions) {
    for (const Isa isa : available_isas()) {
      const std::vector<float> y = outputs(x, function, isa);
      double worst = 0;
      float at = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double value = wanted(function, x[i]);
        if (std::abs(value) < 1e-36) {
          ASSERT_NEAR(y[i], value, 1e-36) << isa_name(isa) << " x " << x[i];
          continue;
        }
        const double error = std::abs(y[i] - value) / std::abs(value) / bound(function, x[i]);
        if (error > worst) {
          worst = error;
          at = x[i];
        }
      }
      EXPECT_LT(worst, 1) << "function " << static_cast<int>(function) << " " << isa_name(isa) << " at " << at;
    }
  }
}

TEST(Activation, HandlesNaNAndTheInfinities) {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x(16, 1.0f);
  x[3] = std::nanf("");
  x[5] = inf;
  x[6] = -inf;
  for (const Activation function : kFunctions) {
    for (const Isa isa : available_isas()) {
      const std::vector<float> y = outputs(x, function, isa);
      EXPECT_TRUE(std::isnan(y[3])) << static_cast<int>(function) << isa_name(isa);
      EXPECT_EQ(y[5], function == Activation::kSigmoid ? 1.0f : inf) << static_cast<int>(function) << isa_name(isa);
      const bool vanishes =
          function == Activation::kRelu || function == Activation::kSigmoid || function == Activation::kSoftplus;
      if (vanishes) {
        EXPECT_EQ(y[6], 0.0f) << static_cast<int>(function) << isa_name(isa);
      }
    }
  }
}

TEST(Activation, EveryPairOfStoragesAndOddCounts) {
  const Storage storages[] = {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit};
  for (const Storage from : storages) {
    for (const Storage to : storages) {
      for (const std::int64_t count : {16, 48, 80, 208}) {
        const StoredRow in(from, Noise(static_cast<std::uint32_t>(count)).vector(count));
        for (const Isa isa : available_isas()) {
          StoredRow out(to, count);
          run(in, from, out, to, Activation::kSilu, isa, count);
          EXPECT_TRUE(out.is_poison_intact());
          const double bound = to == Storage::kBfloat16 ? 4e-3 : to == Storage::kSplit ? 2e-5 : 1e-6;
          for (std::int64_t i = 0; i < count; ++i) {
            const double value = wanted(Activation::kSilu, in.value(i));
            ASSERT_NEAR(out.value(i), value, bound * std::abs(value) + 1e-12) << isa_name(isa) << " " << i;
          }
        }
      }
    }
  }
}
