#include "kernels/attention/attention.hpp"

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

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit};

struct AttentionCase {
  std::int64_t queries, keys, dim;
  bool bias = false;
  float size = 1;  ///< of the scores
};

/// Fewer and more keys than a block, more queries than a block, dimensions that are no multiple of a tile step.
const std::vector<AttentionCase> kCases = {{1, 1, 32},    {49, 49, 32, true},     {197, 197, 64}, {5, 33, 80},
                                           {64, 256, 64}, {70, 257, 48, true},    {17, 530, 128}, {3, 1000, 96, true},
                                           {20, 300, 16}, {9, 600, 64, false, 30}};

struct Tokens {
  std::vector<float> q, k, v, bias;

  explicit Tokens(const AttentionCase& item) {
    Noise noise(static_cast<std::uint32_t>(item.queries * 5 + item.keys * 3 + item.dim));
    q = noise.vector(item.queries * item.dim);
    for (float& value : q) value *= item.size;
    k = noise.vector(item.keys * item.dim);
    v = noise.vector(item.keys * item.dim);
    bias = noise.vector(item.queries * item.keys);
  }

  /// Double precision, straight from the definition.
  std::vector<double> expected(const AttentionCase& item) const {
    std::vector<double> out;
    for (std::int64_t i = 0; i < item.queries; ++i) {
      std::vector<double> scores;
      for (std::int64_t j = 0; j < item.keys; ++j) {
        double score = 0;
        for (std::int64_t d = 0; d < item.dim; ++d) {
          score += static_cast<double>(q[static_cast<std::size_t>(i * item.dim + d)]) *
                   k[static_cast<std::size_t>(j * item.dim + d)];
        }
        score /= std::sqrt(static_cast<double>(item.dim));
        if (item.bias) score += bias[static_cast<std::size_t>(i * item.keys + j)];
        scores.push_back(score);
      }
      const double largest = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      for (double& score : scores) sum += score = std::isinf(score) ? 0 : std::exp(score - largest);
      for (std::int64_t d = 0; d < item.dim; ++d) {
        double value = 0;
        for (std::int64_t j = 0; j < item.keys; ++j) {
          value += scores[static_cast<std::size_t>(j)] * v[static_cast<std::size_t>(j * item.dim + d)];
        }
        out.push_back(sum == 0 ? 0 : value / sum);
      }
    }
    return out;
  }
};

/// Two heads side by side, of which the first is used; NaN behind the last query and key.
StoredMatrix tokens(Storage storage, std::int64_t rows, std::int64_t dim, const std::vector<float>& values) {
  StoredMatrix matrix(storage, rows + 15, 2 * dim, 2 * dim * element_bytes(storage) + 64);
  for (std::int64_t y = 0; y < rows + 15; ++y) {
    for (std::int64_t x = 0; x < 2 * dim; ++x) {
      const float value = x < dim && y < rows ? values[static_cast<std::size_t>(y * dim + x)] : 7.0f;
      matrix.set(y, x, y < rows ? value : std::nanf(""));
    }
  }
  return matrix;
}

StoredMatrix run(const AttentionCase& item, const Tokens& values, Storage storage, Isa isa, std::int64_t split) {
  const StoredMatrix q = tokens(storage, item.queries, item.dim, values.q);
  const StoredMatrix k = tokens(storage, item.keys, item.dim, values.k);
  const StoredMatrix v = tokens(storage, item.keys, item.dim, values.v);
  AttentionKeys keys(item.keys + 3, item.dim, storage, isa);
  keys.pack({{k.row(0), k.plane_bytes()}, k.row_bytes()}, {{v.row(0), v.plane_bytes()}, v.row_bytes()}, item.keys);
  AttentionScratch scratch(item.dim, storage);
  StoredMatrix out(storage, item.queries, item.dim, 2 * item.dim * element_bytes(storage));
  for (std::int64_t first = 0; first < item.queries; first += split) {
    attention({.queries = {{q.row(first), q.plane_bytes()}, q.row_bytes()},
               .out = {{out.row(first), out.plane_bytes()}, out.row_bytes()},
               .query_count = std::min(split, item.queries - first),
               .keys = &keys,
               .scale = 1.0f / std::sqrt(static_cast<float>(item.dim)),
               .bias = item.bias ? values.bias.data() + first * item.keys : nullptr,
               .bias_row_floats = item.keys,
               .scratch = &scratch});
  }
  EXPECT_TRUE(out.is_poison_intact());
  return out;
}

double error(const AttentionCase& item, const std::vector<double>& expected, const StoredMatrix& out) {
  double difference = 0;
  double size = 0;
  for (std::int64_t y = 0; y < item.queries; ++y) {
    for (std::int64_t x = 0; x < item.dim; ++x) {
      const double wanted = expected[static_cast<std::size_t>(y * item.dim + x)];
      difference += std::pow(out.value(y, x) - wanted, 2);
      size += wanted * wanted;
    }
  }
  return std::sqrt(difference / size);
}

std::string name(const AttentionCase& item, Storage storage, Isa isa) {
  return std::to_string(item.queries) + "x" + std::to_string(item.keys) + "x" + std::to_string(item.dim) + " storage " +
         std::to_string(static_cast<int>(storage)) + " " + std::string(isa_name(isa));
}

}  // namespace

TEST(Attention, EveryVariantAgreesWithDoublePrecision) {
  for (const AttentionCase& item : kCases) {
    const Tokens values(item);
    const std::vector<double> expected = values.expected(item);
    for (const Storage storage : kStorages) {
      // Errors of large scores grow with their size.
      const double bound = storage == Storage::kFloat32 ? 2e-6 * std::sqrt(static_cast<double>(item.dim))
                           : storage == Storage::kSplit ? 5e-5
                                                        : 1e-2;
      for (const Isa isa : available_isas()) {
        SCOPED_TRACE(name(item, storage, isa));
        const StoredMatrix out = run(item, values, storage, isa, item.queries);
        EXPECT_LT(error(item, expected, out), bound * std::max(1.0f, item.size / 4));
      }
    }
  }
}

TEST(Attention, ResultsDoNotDependOnHowQueriesAreSplit) {
  for (const AttentionCase& item : {AttentionCase{130, 197, 64}, AttentionCase{70, 300, 48, true}}) {
    const Tokens values(item);
    for (const Storage storage : kStorages) {
      for (const Isa isa : available_isas()) {
        if (isa == Isa::kScalar && storage != Storage::kFloat32) continue;
        const std::vector<std::byte> whole = run(item, values, storage, isa, item.queries).bytes();
        for (const std::int64_t split : {1, 19, 65}) {
          EXPECT_TRUE(run(item, values, storage, isa, split).bytes() == whole) << name(item, storage, isa) << split;
        }
      }
    }
  }
}

TEST(Attention, MasksHideKeys) {
  const AttentionCase item{6, 290, 32, true};
  Tokens values(item);
  const float inf = std::numeric_limits<float>::infinity();
  for (std::int64_t j = 0; j < item.keys; ++j) {
    values.bias[static_cast<std::size_t>(j)] = -inf;                                  // query 0: nothing
    if (j != 280) values.bias[static_cast<std::size_t>(item.keys + j)] = -inf;        // 1: a key of block 2
    if (j >= 5) values.bias[static_cast<std::size_t>(2 * item.keys + j)] = -inf;      // 2: of block 1 alone
    if (j % 3 == 0) values.bias[static_cast<std::size_t>(3 * item.keys + j)] = -inf;  // 3: here and there
    if (j == 0) values.bias[static_cast<std::size_t>(4 * item.keys + j)] = -3e38f;    // 4: as some models do
  }
  const std::vector<double> expected = values.expected(item);
  for (const Storage storage : kStorages) {
    for (const Isa isa : available_isas()) {
      SCOPED_TRACE(name(item, storage, isa));
      const StoredMatrix out = run(item, values, storage, isa, item.queries);
      EXPECT_LT(error(item, expected, out), storage == Storage::kBfloat16 ? 1e-2 : 5e-5);
      for (std::int64_t x = 0; x < item.dim; ++x) EXPECT_EQ(out.value(0, x), 0.0f);
    }
  }
}

TEST(Attention, NoKeysGiveZeros) {
  for (const Isa isa : available_isas()) {
    const AttentionCase item{5, 0, 32};
    const StoredMatrix out = run(item, Tokens(item), Storage::kFloat32, isa, 5);
    for (std::int64_t x = 0; x < 32; ++x) EXPECT_EQ(out.value(4, x), 0.0f);
  }
}

TEST(Attention, KeysCanBePackedAgain) {
  const AttentionCase large{4, 300, 64};
  const AttentionCase small{4, 21, 64};
  for (const Storage storage : kStorages) {
    for (const Isa isa : available_isas()) {
      AttentionKeys keys(300, 64, storage, isa);
      AttentionScratch scratch(64, storage);
      for (const AttentionCase& item : {large, small}) {
        const Tokens values(item);
        const StoredMatrix q = tokens(storage, item.queries, 64, values.q);
        const StoredMatrix k = tokens(storage, item.keys, 64, values.k);
        const StoredMatrix v = tokens(storage, item.keys, 64, values.v);
        keys.pack({{k.row(0), k.plane_bytes()}, k.row_bytes()}, {{v.row(0), v.plane_bytes()}, v.row_bytes()},
                  item.keys);
        StoredMatrix out(storage, item.queries, 64, 512);
        attention({.queries = {{q.row(0), q.plane_bytes()}, q.row_bytes()},
                   .out = {{out.row(0), out.plane_bytes()}, out.row_bytes()},
                   .query_count = 4,
                   .keys = &keys,
                   .scale = 0.125f,
                   .scratch = &scratch});
        EXPECT_LT(error(item, values.expected(item), out), storage == Storage::kBfloat16 ? 1e-2 : 5e-5);
      }
    }
  }
}
