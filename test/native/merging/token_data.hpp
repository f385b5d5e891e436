#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "available_isas.hpp"
#include "merging/token_merging.hpp"
#include "scan/safetensors_file.hpp"

namespace histojet::test {

/// Normal random tokens [batch, tokens, channels].
inline Tensor random_tokens(std::uint32_t seed, std::int64_t batch, std::int64_t tokens, std::int64_t channels) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(DType::kF32, {batch, tokens, channels});
  for (float& value : tensor.values<float>()) value = normal(engine);
  return tensor;
}

inline std::vector<std::int32_t> integers_of(const Tensor& tensor) {
  const auto values = tensor.values<std::int32_t>();
  return {values.begin(), values.end()};
}

inline std::vector<std::int32_t> owners_of(const merging::MergeMap& map, std::int64_t sample = 0) {
  return {map.owner(sample), map.owner(sample) + map.tokens()};
}

inline SafetensorsFile mamba_fixture(const std::string& name) {
  return read_safetensors(own_fixture("mamba/" + name + ".safetensors"));
}

/// Largest difference relative to the value itself, or to `floor` where that is larger.
inline double relative_difference(std::span<const float> got, std::span<const float> wanted, double floor) {
  EXPECT_EQ(got.size(), wanted.size());
  double worst = 0;
  for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
    const double scale = std::max(floor, std::abs(static_cast<double>(wanted[i])));
    const double difference = std::abs(static_cast<double>(got[i]) - wanted[i]) / scale;
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

inline void expect_close(const Tensor& got, const Tensor& wanted, const char* what) {
  EXPECT_EQ(got.shape(), wanted.shape()) << what;
  // Sums of opposite signs lose digits: the measure is a typical value.
  EXPECT_LE(relative_difference(got.values<float>(), wanted.values<float>(), 0.1), 1e-6) << what;
}

}  // namespace histojet::test
