#include "merging/token_state.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace histojet::merging {

TokenState TokenState::initial(std::int64_t batch, std::int64_t tokens) {
  return initial(batch, tokens, std::vector<float>(static_cast<std::size_t>(batch * tokens), 1.0f));
}

TokenState TokenState::initial(std::int64_t batch, std::int64_t tokens, std::vector<float> sizes) {
  const auto count = static_cast<std::size_t>(batch * tokens);
  if (sizes.size() != count) {
    throw Error(ErrorCode::kShapeMismatch,
                "sizes: expected " + std::to_string(count) + " values, got " + std::to_string(sizes.size()));
  }
  TokenState state{.batch = batch, .tokens = tokens, .original_tokens = tokens, .sizes = std::move(sizes)};
  state.owner.resize(count);
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    std::iota(state.owner.begin() + sample * tokens, state.owner.begin() + (sample + 1) * tokens, 0);
  }
  return state;
}

TokenState TokenState::after(const MergeMap& map) const {
  if (map.batch() != batch || map.tokens() != tokens) {
    throw Error(ErrorCode::kShapeMismatch, "the step merges " + std::to_string(map.batch()) + " x " +
                                               std::to_string(map.tokens()) + " tokens, expected " +
                                               std::to_string(batch) + " x " + std::to_string(tokens));
  }
  TokenState next{.batch = batch, .tokens = map.merged_tokens(), .original_tokens = original_tokens};
  next.sizes.resize(static_cast<std::size_t>(batch * next.tokens));
  next.owner.resize(owner.size());
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    const std::int32_t* step = map.owner(sample);
    float* merged = next.sizes.data() + sample * next.tokens;
    for (std::int64_t t = 0; t < map.kept_tokens(); ++t) {
      merged[step[t]] += sizes[static_cast<std::size_t>(sample * tokens + t)];
    }
    const auto from = owner.begin() + sample * original_tokens;
    std::transform(from, from + original_tokens, next.owner.begin() + sample * original_tokens,
                   [&](std::int32_t token) { return token < 0 ? -1 : step[token]; });
  }
  return next;
}

void TokenState::write_dense_source(float* out) const {
  std::fill_n(out, batch * tokens * original_tokens, 0.0f);
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    for (std::int64_t t = 0; t < original_tokens; ++t) {
      const std::int32_t token = owner[static_cast<std::size_t>(sample * original_tokens + t)];
      if (token >= 0) out[(sample * tokens + token) * original_tokens + t] = 1.0f;
    }
  }
}

std::vector<float> TokenState::attention_bias() const {
  std::vector<float> bias(sizes.size());
  std::transform(sizes.begin(), sizes.end(), bias.begin(), [](float size) { return std::log(size); });
  return bias;
}

}  // namespace histojet::merging
