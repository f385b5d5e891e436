#include "tokens/attention_pool.hpp"

#include <algorithm>
#include <cmath>

#include "tokens/load_parts.hpp"

namespace histojet::tokens {
namespace {

/// Tokens whose hidden values are in memory together.
constexpr std::int64_t kChunk = 2048;

Tensor doubled(const Tensor& tensor) {
  Tensor result(DType::kF32, tensor.shape());
  std::ranges::transform(tensor.values<float>(), result.values<float>().begin(), [](float value) { return 2 * value; });
  return result;
}

}  // namespace

// tanh(x) = 2 sigmoid(2 x) - 1, and the matrix products know the sigmoid: the first layer is doubled, the second takes
// the 2 and the 1. Its products are few; they stay float32, as values near 1/2 have fewer digits than those near 0.
AttentionPool AttentionPool::load(const weights::WeightScope& scope, std::int64_t dim, const LayerOptions& options) {
  const std::int64_t hidden = shape_of(scope, "0.weight", 2, "[hidden, dim]")[0];
  const auto biased = [&](const char* name, std::int64_t count) {
    return scope.has(name) ? scope.f32(name, {count}) : Tensor(DType::kF32, {count});
  };
  AttentionPool pool;
  const Tensor first = doubled(scope.f32("0.weight", {hidden, dim}));
  pool.first_ = Linear::pack(first.values<float>(), doubled(biased("0.bias", hidden)).values<float>(), dim, options);
  const Tensor second = scope.f32("2.weight", {1, hidden});
  double bias = biased("2.bias", 1).values<float>()[0];
  for (const float weight : second.values<float>()) bias -= weight;
  const float shift = static_cast<float>(bias);
  pool.second_ = Linear::pack(doubled(second).values<float>(), {&shift, 1}, hidden, {.isa = options.isa});
  return pool;
}

void AttentionPool::score(const TokensIn& tokens, std::int64_t count, float* scores, ProductScratch& scratch,
                          int threads) const {
  const std::int64_t hidden = first_.out();
  std::vector<float> chunk(static_cast<std::size_t>(std::min(kChunk, count) * hidden));
  for (std::int64_t start = 0; start < count; start += kChunk) {
    const std::int64_t size = std::min(kChunk, count - start);
    TokensIn in = tokens;
    if (in.order != nullptr) {
      in.order += start;
    } else {
      in.data += start * in.step;
    }
    const ProductRun run{
        .in = in, .out = {chunk.data(), hidden}, .tokens = size, .activation = kernels::Activation::kSigmoid};
    run_product(first_, run, scratch, threads);
    run_product(second_, {.in = {chunk.data(), hidden}, .out = {scores + start, 1}, .tokens = size}, scratch, threads);
  }
}

AttentionPool::Result AttentionPool::run(const TokensIn& tokens, std::int64_t count, ProductScratch& scratch,
                                         int threads) const {
  Result result{.pooled = std::vector<float>(static_cast<std::size_t>(first_.in())),
                .weights = std::vector<float>(static_cast<std::size_t>(count))};
  score(tokens, count, result.weights.data(), scratch, threads);
  if (count == 0) return result;
  const float largest = *std::ranges::max_element(result.weights);
  double sum = 0;
  for (const float score : result.weights) sum += std::exp(static_cast<double>(score) - largest);
  std::vector<double> pooled(result.pooled.size());
  for (std::int64_t t = 0; t < count; ++t) {
    float& weight = result.weights[static_cast<std::size_t>(t)];
    const double share = std::exp(static_cast<double>(weight) - largest) / sum;
    weight = static_cast<float>(share);
    const float* token = tokens.token(t);
    for (std::size_t c = 0; token != nullptr && c < pooled.size(); ++c) pooled[c] += share * token[c];
  }
  std::ranges::transform(pooled, result.pooled.begin(), [](double value) { return static_cast<float>(value); });
  return result;
}

}  // namespace histojet::tokens
