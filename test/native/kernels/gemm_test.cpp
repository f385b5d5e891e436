#include "kernels/gemm/gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_matrix.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredMatrix;

namespace {

struct GemmCase {
  std::int64_t rows, depth, columns;
};

/// Odd sizes; more rows than a chunk, more columns than a block, more steps than stay in the first-level cache.
const std::vector<GemmCase> kCases = {{1, 1, 1},      {1, 64, 16},     {5, 33, 7},    {16, 32, 32},
                                      {17, 96, 44},   {31, 100, 6},    {45, 384, 48}, {197, 192, 64},
                                      {130, 768, 40}, {70, 1100, 272}, {530, 40, 20}};

double gelu(double x) {
  return x * std::erfc(-x / std::sqrt(2.0)) / 2;
}

double activated(Activation function, double x) {
  switch (function) {
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kGeluErf:
      return gelu(x);
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    default:
      return x;
  }
}

struct Product {
  std::vector<float> a, weight, bias;
  std::vector<double> sums;

  explicit Product(const GemmCase& item) {
    Noise noise(static_cast<std::uint32_t>(item.rows * 7 + item.depth * 3 + item.columns));
    a = noise.vector(item.rows * item.depth);
    weight = noise.vector(item.columns * item.depth);
    bias = noise.vector(item.columns);
    for (std::int64_t m = 0; m < item.rows; ++m) {
      for (std::int64_t n = 0; n < item.columns; ++n) {
        double sum = bias[static_cast<std::size_t>(n)];
        for (std::int64_t k = 0; k < item.depth; ++k) {
          sum += static_cast<double>(a[static_cast<std::size_t>(m * item.depth + k)]) *
                 weight[static_cast<std::size_t>(n * item.depth + k)];
        }
        sums.push_back(sum);
      }
    }
  }
};

/// The product in calls of `split` rows; NaN after the last row of the first factor.
StoredMatrix run(const GemmCase& item, const Product& product, Storage storage, Storage out_storage,
                 Activation activation, Isa isa, std::int64_t split) {
  const std::int64_t read = storage == Storage::kFloat32 ? item.depth : (item.depth + 31) / 32 * 32;
  StoredMatrix a(storage, item.rows + 15, read, gemm_row_bytes(read, storage));
  for (std::int64_t m = 0; m < item.rows + 15; ++m) {
    for (std::int64_t k = 0; k < read; ++k) {
      const bool real = m < item.rows && k < item.depth;
      a.set(m, k, real ? product.a[static_cast<std::size_t>(m * item.depth + k)] : m < item.rows ? 0 : std::nanf(""));
    }
  }
  const GemmWeights weights = pack_gemm(product.weight, product.bias, item.depth, storage, isa);
  GemmScratch scratch(weights);
  StoredMatrix out(out_storage, item.rows, weights.columns,
                   (weights.columns * element_bytes(out_storage) + 63) / 64 * 64 + 64);
  for (std::int64_t m = 0; m < item.rows; m += split) {
    gemm({.a = {a.row(m), a.plane_bytes()},
          .a_row_bytes = a.row_bytes(),
          .out = {out.row(m), out.plane_bytes()},
          .out_row_bytes = out.row_bytes(),
          .rows = std::min(split, item.rows - m),
          .weights = &weights,
          .activation = activation,
          .out_storage = out_storage,
          .stream = item.columns == 48,
          .scratch = &scratch});
  }
  return out;
}

double error(const GemmCase& item, const Product& product, const StoredMatrix& out, Activation activation) {
  double difference = 0;
  double size = 0;
  for (std::int64_t m = 0; m < item.rows; ++m) {
    for (std::int64_t n = 0; n < item.columns; ++n) {
      const double wanted = activated(activation, product.sums[static_cast<std::size_t>(m * item.columns + n)]);
      difference += std::pow(out.value(m, n) - wanted, 2);
      size += wanted * wanted;
    }
    for (std::int64_t n = item.columns; n < out.columns(); ++n) EXPECT_EQ(out.value(m, n), 0.0f);
  }
  return std::sqrt(difference / size);
}

double bound(const GemmCase& item, Storage storage) {
  if (storage == Storage::kFloat32) return 2e-6 * std::sqrt(static_cast<double>(item.depth));
  return storage == Storage::kSplit ? 5e-5 : 1e-2;
}

}  // namespace

TEST(Gemm, EveryVariantAgreesWithDoublePrecision) {
  for (const GemmCase& item : kCases) {
    const Product product(item);
    for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
      for (const Isa isa : available_isas()) {
        SCOPED_TRACE(std::to_string(item.rows) + "x" + std::to_string(item.depth) + "x" + std::to_string(item.columns) +
                     " storage " + std::to_string(static_cast<int>(storage)) + " " + std::string(isa_name(isa)));
        const StoredMatrix out = run(item, product, storage, storage, Activation::kNone, isa, item.rows);
        EXPECT_LT(error(item, product, out, Activation::kNone), bound(item, storage));
        EXPECT_TRUE(out.is_poison_intact());
      }
    }
  }
}

TEST(Gemm, TheFirstColumnsAloneAreTheSame) {
  const GemmCase item{37, 40, 112};
  const Product product(item);
  for (const Storage storage : {Storage::kFloat32, Storage::kSplit}) {
    for (const Isa isa : available_isas()) {
      const StoredMatrix all = run(item, product, storage, Storage::kFloat32, Activation::kNone, isa, item.rows);
      const GemmWeights weights = pack_gemm(product.weight, product.bias, item.depth, storage, isa);
      StoredMatrix a(storage, item.rows + 15, 64, gemm_row_bytes(64, storage));
      for (std::int64_t m = 0; m < item.rows; ++m) {
        for (std::int64_t k = 0; k < item.depth; ++k) {
          a.set(m, k, product.a[static_cast<std::size_t>(m * item.depth + k)]);
        }
        for (std::int64_t k = item.depth; k < 64; ++k) a.set(m, k, 0);
      }
      GemmScratch scratch(weights);
      StoredMatrix out(Storage::kFloat32, item.rows, 64, 64 * 4 + 64);  // 48 in whole panels
      gemm({.a = {a.row(0), a.plane_bytes()},
            .a_row_bytes = a.row_bytes(),
            .out = {out.row(0), 0},
            .out_row_bytes = out.row_bytes(),
            .rows = item.rows,
            .weights = &weights,
            .columns = 48,
            .scratch = &scratch});
      EXPECT_TRUE(out.is_poison_intact());
      for (std::int64_t m = 0; m < item.rows; ++m) {
        for (std::int64_t n = 0; n < 48; ++n) ASSERT_EQ(out.value(m, n), all.value(m, n)) << isa_name(isa);
      }
    }
  }
}

TEST(Gemm, AppliesEachActivationToTheExactSum) {
  const GemmCase item{75, 96, 300};
  const Product product(item);
  for (const Activation activation :
       {Activation::kRelu, Activation::kGeluErf, Activation::kGeluTanh, Activation::kSilu}) {
    for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
      for (const Storage out_storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
        for (const Isa isa : available_isas()) {
          SCOPED_TRACE("activation " + std::to_string(static_cast<int>(activation)) + " storages " +
                       std::to_string(static_cast<int>(storage)) + std::to_string(static_cast<int>(out_storage)));
          const StoredMatrix out = run(item, product, storage, out_storage, activation, isa, item.rows);
          EXPECT_LT(error(item, product, out, activation), std::max(bound(item, storage), bound(item, out_storage)));
          EXPECT_TRUE(out.is_poison_intact());
        }
      }
    }
  }
}

TEST(Gemm, ResultsDoNotDependOnHowRowsAreSplit) {
  for (const GemmCase& item : {GemmCase{197, 192, 64}, GemmCase{300, 1100, 48}}) {
    const Product product(item);
    for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
      for (const Isa isa : available_isas()) {
        if (isa == Isa::kScalar) continue;
        const StoredMatrix whole = run(item, product, storage, storage, Activation::kGeluErf, isa, item.rows);
        for (const std::int64_t split : {1, 33, 150}) {
          EXPECT_TRUE(run(item, product, storage, storage, Activation::kGeluErf, isa, split).bytes() == whole.bytes())
              << isa_name(isa) << " split " << split;
        }
      }
    }
  }
}

TEST(Gemm, WithoutBias) {
  const std::vector<float> weight = {2, 3, 5, 7};  // two columns of depth 2
  const GemmWeights weights = pack_gemm(weight, {}, 2, Storage::kFloat32, Isa::kScalar);
  GemmScratch scratch(weights);
  StoredMatrix a(Storage::kFloat32, 1, 2, 64);
  a.set(0, 0, 10);
  a.set(0, 1, 100);
  StoredMatrix out(Storage::kFloat32, 1, 16, 64);
  gemm({.a = {a.row(0), 0},
        .a_row_bytes = 64,
        .out = {out.row(0), 0},
        .out_row_bytes = 64,
        .rows = 1,
        .weights = &weights,
        .scratch = &scratch});
  EXPECT_EQ(out.value(0, 0), 320.0f);
  EXPECT_EQ(out.value(0, 1), 750.0f);
}

TEST(Gemm, RowDistancesAvoidPowersOfTwo) {
  EXPECT_EQ(gemm_row_bytes(1024, Storage::kBfloat16), 2112);
  EXPECT_EQ(gemm_row_bytes(1024, Storage::kFloat32), 4160);
  EXPECT_EQ(gemm_row_bytes(33, Storage::kBfloat16), 192);
}
