#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "models/memory_dict.hpp"
#include "tokens/ss2d.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::tokens {
namespace {

constexpr std::size_t kHeight = 3, kWidth = 4, kCells = kHeight * kWidth, kDirections = 4;
using Orders = std::array<std::array<std::size_t, kCells>, kDirections>;

/// The raster cell of each step of each direction, from where the reference's scan puts the values of x.
Orders reference_orders(const test::TokenFixture& fixture, const std::string& name) {
  const std::vector<float> x = fixture.values("x"), scanned = fixture.values(name);  // two channels each
  Orders orders;
  for (std::size_t k = 0; k < kDirections; ++k) {
    for (std::size_t i = 0; i < kCells; ++i) {
      const float value = scanned[2 * k * kCells + i];
      const auto found = std::find(x.begin(), x.begin() + kCells, value);
      orders[k][i] = static_cast<std::size_t>(found - x.begin());
    }
  }
  return orders;
}

constexpr std::int64_t kDim = 4, kInner = 6, kStates = 3, kRank = 2;

class MadeSs2d {
 public:
  MadeSs2d() {
    put("in_proj.weight", {kInner, kDim}, 0.7);
    put("x_proj_weight", {4, kRank + 2 * kStates, kInner}, 0.5);
    put("dt_projs_weight", {4, kInner, kRank}, 0.7);
    put("dt_projs_bias", {4, kInner}, 1, -1);
    put("A_logs", {4 * kInner, kStates}, 0.5, 0.5);
    put("Ds", {4 * kInner}, 0.3, 1);
    put("out_norm.weight", {kInner}, 0.2, 1);
    put("out_norm.bias", {kInner}, 0.2);
    put("out_proj.weight", {kDim, kInner}, 0.5);
  }

  weights::WeightScope scope() const { return weights::WeightScope(dict_); }

  /// The layer without convolution and gate, in double precision, with its cells in these orders.
  std::vector<float> expected(const std::vector<double>& x, const Orders& orders) const {
    std::vector<double> u = product(values("in_proj.weight"), x, kDim);
    for (double& value : u) value /= 1 + std::exp(-value);
    std::vector<double> merged(u.size());
    for (std::size_t k = 0; k < kDirections; ++k) scan(k, u, orders[k], merged);
    const std::vector<double> weight = values("out_norm.weight"), bias = values("out_norm.bias");
    for (std::size_t t = 0; t < merged.size(); t += kInner) {
      double mean = 0, variance = 0;
      for (std::size_t c = 0; c < kInner; ++c) mean += merged[t + c] / kInner;
      for (std::size_t c = 0; c < kInner; ++c) variance += (merged[t + c] - mean) * (merged[t + c] - mean) / kInner;
      for (std::size_t c = 0; c < kInner; ++c) {
        merged[t + c] = (merged[t + c] - mean) / std::sqrt(variance + 1e-5) * weight[c] + bias[c];
      }
    }
    const std::vector<double> y = product(values("out_proj.weight"), merged, kInner);
    return {y.begin(), y.end()};
  }

 private:
  void put(const std::string& name, const Shape& shape, double scale, double offset = 0) {
    std::normal_distribution<float> normal;
    Tensor tensor(DType::kF32, shape);
    for (float& value : tensor.values<float>()) value = static_cast<float>(offset + scale * normal(random_));
    dict_->set(name, tensor);
  }
  std::vector<double> values(const std::string& name) const {
    const Tensor tensor = dict_->get(name);
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }

  static std::vector<double> product(const std::vector<double>& weight, const std::vector<double>& x, std::size_t in) {
    std::vector<double> y;
    for (std::size_t t = 0; t < x.size(); t += in) {
      for (std::size_t row = 0; row < weight.size(); row += in) {
        double sum = 0;
        for (std::size_t i = 0; i < in; ++i) sum += weight[row + i] * x[t + i];
        y.push_back(sum);
      }
    }
    return y;
  }

  /// Adds direction k of the scan to `merged`, each step at its cell.
  void scan(std::size_t k, const std::vector<double>& u, const std::array<std::size_t, kCells>& order,
            std::vector<double>& merged) const {
    constexpr std::size_t kColumns = kRank + 2 * kStates;
    const std::vector<double> projections = values("x_proj_weight"), dt_weight = values("dt_projs_weight");
    const std::vector<double> dt_bias = values("dt_projs_bias"), a_log = values("A_logs"), d = values("Ds");
    const auto part = static_cast<std::ptrdiff_t>(k * kColumns * kInner);
    const std::vector<double> own(projections.begin() + part,
                                  projections.begin() + part + static_cast<std::ptrdiff_t>(kColumns * kInner));
    const std::vector<double> x_dbl = product(own, u, kInner);
    for (std::size_t e = 0; e < kInner; ++e) {
      const std::size_t channel = k * kInner + e;
      std::array<double, kStates> state{};
      for (const std::size_t cell : order) {
        const double* row = x_dbl.data() + cell * kColumns;
        double raw = dt_bias[channel];
        for (std::size_t r = 0; r < kRank; ++r) raw += dt_weight[channel * kRank + r] * row[r];
        const double dt = std::log1p(std::exp(raw)), input = u[cell * kInner + e];
        double sum = d[channel] * input;
        for (std::size_t n = 0; n < kStates; ++n) {
          state[n] = std::exp(-dt * std::exp(a_log[channel * kStates + n])) * state[n] + dt * row[kRank + n] * input;
          sum += row[kRank + kStates + n] * state[n];
        }
        merged[cell * kInner + e] += sum;
      }
    }
  }

  std::mt19937 random_{11};
  std::shared_ptr<test::MemoryDict> dict_ = std::make_shared<test::MemoryDict>();
};

struct Variant {
  const char* scan;
  const char* merge;
  CrossScan kind;
};
constexpr Variant kVariants[] = {{"scan_cross2d", "merge_cross2d", CrossScan::kCross},
                                 {"scan_unidi", "merge_unidi", CrossScan::kUnidirectional},
                                 {"scan_bidi", "merge_bidi", CrossScan::kBidirectional}};

TEST(CrossScanOrders, GridsAreScannedInTheReferencesOrders) {
  const test::TokenFixture fixture("vmamba_cross_scan");
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> x(kCells * kDim);
  for (float& value : x) value = normal(random);
  const MadeSs2d made;
  for (const Variant& variant : kVariants) {
    Ss2dConfig config = ss2d_config(made.scope(), kDim);
    config.scan = variant.kind;
    const Ss2d layer = Ss2d::load(made.scope(), config, {});
    std::vector<float> y(x.size());
    Ss2dScratch scratch;
    layer.accumulate(nullptr, {x.data(), kDim}, {y.data(), kDim}, kHeight, kWidth, scratch, 1, {});
    const Orders orders = reference_orders(fixture, variant.scan);
    test::expect_float32_parity(y, made.expected({x.begin(), x.end()}, orders), variant.scan);
  }
}

/// The orders also undo the scan as the reference does: what the plain layer above adds up is its merge.
TEST(CrossScanOrders, UndoneScansAreTheReferencesMerge) {
  const test::TokenFixture fixture("vmamba_cross_scan");
  const std::vector<float> scanned = fixture.values("ys");  // [directions][2 channels][cells]
  for (const Variant& variant : kVariants) {
    const Orders orders = reference_orders(fixture, variant.scan);
    const std::vector<float> merged = fixture.values(variant.merge);
    std::vector<float> sums(merged.size());
    for (std::size_t k = 0; k < kDirections; ++k) {
      for (std::size_t c = 0; c < 2; ++c) {
        for (std::size_t i = 0; i < kCells; ++i) {
          sums[c * kCells + orders[k][i]] += scanned[(2 * k + c) * kCells + i];
        }
      }
    }
    test::expect_float32_parity(sums, merged, variant.merge);
  }
}

}  // namespace
}  // namespace histojet::tokens
