#include "tokens/pooling.hpp"

#include <algorithm>
#include <array>

#include "kernels/activation/activation.hpp"

namespace histojet::tokens {
namespace {

constexpr std::size_t kVector = 16;

void gelu_vectors(float* values, std::size_t count, Isa isa) {
  auto* row = reinterpret_cast<std::byte*>(values);
  kernels::kActivation.pick(isa)({.in = {row, 0},
                                  .out = {row, 0},
                                  .rows = 1,
                                  .count = static_cast<std::int64_t>(count),
                                  .function = kernels::Activation::kGeluErf,
                                  .in_storage = kernels::Storage::kFloat32,
                                  .out_storage = kernels::Storage::kFloat32});
}

}  // namespace

std::vector<float> mean_of_tokens(const TokensIn& tokens, std::int64_t count, std::int64_t dim) {
  std::vector<double> sums(static_cast<std::size_t>(dim));
  for (std::int64_t t = 0; t < count; ++t) {
    const float* token = tokens.token(t);
    for (std::size_t c = 0; token != nullptr && c < sums.size(); ++c) sums[c] += token[c];
  }
  std::vector<float> means(sums.size());
  for (std::size_t c = 0; c < sums.size(); ++c) means[c] = static_cast<float>(sums[c] / static_cast<double>(count));
  return means;
}

void gelu(std::span<float> values, Isa isa) {
  const std::size_t whole = values.size() / kVector * kVector;
  gelu_vectors(values.data(), whole, isa);
  std::array<float, kVector> tail{};
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), tail.begin());
  gelu_vectors(tail.data(), kVector, isa);
  std::copy_n(tail.begin(), values.size() - whole, values.begin() + static_cast<std::ptrdiff_t>(whole));
}

}  // namespace histojet::tokens
