#include "tokens/attention_pool.hpp"

#include <algorithm>
#include <cmath>

#include "tokens/load_parts.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {
namespace {

/// Tokens whose hidden values are in memory together.
constexpr std::int64_t kChunk = 2048;

}  // namespace

AttentionPool AttentionPool::load(const weights::WeightScope& scope, std::int64_t dim, const LayerOptions& options) {
  const std::int64_t hidden = shape_of(scope, "0.weight", 2, "[hidden, dim]")[0];
  AttentionPool pool;
  pool.first_ = Linear::load(scope.scope("0"), dim, hidden, Bias::kAsStored, options);
  pool.second_ = Linear::load(scope.scope("2"), hidden, 1, Bias::kAsStored, options);
  return pool;
}

AttentionPool::Result AttentionPool::run(const TokensIn& tokens, std::int64_t count, ProductScratch& scratch,
                                         int threads) const {
  const std::int64_t hidden = first_.out(), dim = first_.in();
  Result result{.pooled = std::vector<float>(static_cast<std::size_t>(dim)),
                .weights = std::vector<float>(static_cast<std::size_t>(count))};
  std::vector<float> chunk(static_cast<std::size_t>(std::min(kChunk, count) * hidden));
  for (std::int64_t start = 0; start < count; start += kChunk) {
    const std::int64_t size = std::min(kChunk, count - start);
    TokensIn in = tokens;
    if (in.order != nullptr) {
      in.order += start;
    } else {
      in.data += start * in.step;
    }
    run_product(first_, {.in = in, .out = {chunk.data(), hidden}, .tokens = size}, scratch, threads);
    share_rows({0, size * hidden}, hidden, resolved_threads(threads), [&](Range range, int) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        chunk[static_cast<std::size_t>(i)] = std::tanh(chunk[static_cast<std::size_t>(i)]);
      }
    });
    run_product(second_, {.in = {chunk.data(), hidden}, .out = {result.weights.data() + start, 1}, .tokens = size},
                scratch, threads);
  }
  if (count == 0) return result;
  const float largest = *std::ranges::max_element(result.weights);
  double sum = 0;
  for (const float score : result.weights) sum += std::exp(static_cast<double>(score) - largest);
  std::vector<double> pooled(static_cast<std::size_t>(dim));
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
