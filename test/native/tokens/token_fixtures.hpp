#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fixtures.hpp"
#include "tokens/layer_options.hpp"
#include "weights/state_dict.hpp"

namespace histojet::test {

/// Path of a reference file of the Mamba family: from this repository where it holds a copy, else from the shared ones.
inline std::string mamba_fixture(const std::string& name) {
  const std::string own = own_fixture("mamba/" + name + ".safetensors");
  return std::filesystem::exists(own) ? own : shared_fixture("mamba/" + name + ".safetensors");
}

/// A reference file: weights under "weights.", inputs and outputs beside them, the configuration in its metadata.
class TokenFixture {
 public:
  explicit TokenFixture(const std::string& name) : dict_(weights::StateDict::open(mamba_fixture(name))) {}

  weights::WeightScope weights() const { return weights::WeightScope(dict_, "weights"); }
  std::shared_ptr<const weights::StateDict> dict() const { return dict_; }
  Shape shape(const std::string& name) const { return dict_->entry(name).shape; }
  std::vector<float> values(const std::string& name) const {
    const Tensor tensor = dict_->get(name).to_f32();
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }
  /// Does the configuration hold this piece of JSON text?
  bool configured(const std::string& text) const {
    return dict_->metadata().at("config").find(text) != std::string::npos;
  }

 private:
  std::shared_ptr<const weights::StateDict> dict_;
};

/// Distance of `actual` from `expected` as a share of its length.
inline double relative_distance(const std::vector<float>& actual, const std::vector<float>& expected) {
  double squares = 0, distances = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    squares += static_cast<double>(expected[i]) * expected[i];
    distances += (static_cast<double>(actual[i]) - expected[i]) * (static_cast<double>(actual[i]) - expected[i]);
  }
  return std::sqrt(distances / squares);
}

/// Every value within what the fixtures allow float32: 2e-5 max|y| + 2e-6.
inline void expect_float32_parity(const std::vector<float>& actual, const std::vector<float>& expected,
                                  const std::string& what = "") {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(std::isfinite(actual[i])) << what << " at " << i;
    largest = std::max(largest, std::fabs(static_cast<double>(expected[i])));
    worst = std::max(worst, std::fabs(static_cast<double>(actual[i]) - expected[i]));
  }
  EXPECT_LE(worst, 2e-5 * largest + 2e-6) << what << ", largest value " << largest;
}

/// What each precision may be off, as a share of the result's length.
inline double allowed_distance(tokens::Precision precision) {
  return precision == tokens::Precision::kFast ? 3e-2 : 1e-4;
}

constexpr tokens::Precision kPrecisions[] = {tokens::Precision::kFloat32, tokens::Precision::kHigh,
                                             tokens::Precision::kFast};

/// Skips a test on a file that neither this repository nor the shared folder holds.
#define HISTOJET_NEEDS_MAMBA_FIXTURE(name) \
  if (!std::filesystem::exists(histojet::test::mamba_fixture(name))) GTEST_SKIP() << "skipped: no shared fixtures"

}  // namespace histojet::test
