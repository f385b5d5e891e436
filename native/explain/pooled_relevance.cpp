#include "explain/pooled_relevance.hpp"

#include <algorithm>

namespace histojet::explain {
namespace {

using models::PoolKind;

constexpr std::int64_t kTokensAtOnce = 1024;

/// The share of every token in the pooled features.
std::vector<float> pooling_shares(PoolKind pool, const std::vector<std::uint8_t>& counted,
                                  const models::PixelMambaResult& result) {
  if (pool == PoolKind::kAttention) return result.attention;
  std::vector<float> shares(counted.size());
  const std::int64_t chosen = pool == PoolKind::kLast ? result.tokens_pooled - 1 : result.tokens_pooled / 2;
  std::int64_t number = 0;
  for (std::size_t i = 0; i < counted.size(); ++i) {
    if (counted[i] == 0) continue;
    const bool alone = pool != PoolKind::kMean;
    shares[i] =
        alone ? (number == chosen ? 1.0F : 0.0F) : static_cast<float>(1.0 / static_cast<double>(result.tokens_pooled));
    ++number;
  }
  return shares;
}

std::vector<double> output_row(const models::PixelMamba& model, std::int64_t output) {
  const std::span<const float> row = model.network().head.row(output);
  std::vector<double> values(row.begin(), row.end());
  const std::int64_t outputs = model.config().outputs;
  if (model.config().head != models::HeadKind::kClassification || outputs < 2) return values;
  for (std::int64_t o = 0; o < outputs; ++o) {
    const std::span<const float> other = model.network().head.row(o);
    for (std::size_t c = 0; c < values.size(); ++c)
      values[c] -= static_cast<double>(other[c]) / static_cast<double>(outputs);
  }
  return values;
}

}  // namespace

Relevance pooled_relevance(const models::PixelMamba& model, const PixelTrace& trace,
                           const models::PixelMambaResult& result, std::int64_t output) {
  Relevance relevance{pooling_shares(model.config().pool, trace.counted(), result), {}};
  if (output < 0) return relevance;
  const std::vector<double> row = output_row(model, output);
  const TokenReader& tokens = trace.stage_output(model.config().stages.size() - 1);
  const std::int64_t step = models::token_step(model.network().pool.dim());
  const auto values = make_aligned<float>(static_cast<std::size_t>(kTokensAtOnce * step));
  for (std::int64_t first = 0; first < tokens.tokens(); first += kTokensAtOnce) {
    const std::int64_t count = std::min(kTokensAtOnce, tokens.tokens() - first);
    tokens.read(first, count, values.get(), step);
    model.network().pool.normalize(values.get(), count);
    for (std::int64_t i = 0; i < count; ++i) {
      double sum = 0;
      for (std::size_t c = 0; c < row.size(); ++c) sum += row[c] * values[static_cast<std::size_t>(i * step) + c];
      float& share = relevance.all[static_cast<std::size_t>(first + i)];
      // Tokens that do not count may hold anything.
      share = share == 0 ? 0 : static_cast<float>(share * sum);
    }
  }
  return relevance;
}

}  // namespace histojet::explain
