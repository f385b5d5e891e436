#include "explain/hidden_attention.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace histojet::explain {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 27;

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

double softplus(double x) {
  return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
}

void check_size(std::int64_t channels, std::int64_t tokens) {
  if (tokens <= 0 || channels <= 0) throw Error(ErrorCode::kInvalidArgument, "hidden attention: no tokens");
  if (tokens <= kMostValues / tokens && channels <= kMostValues / (tokens * tokens)) return;
  throw Error(ErrorCode::kInvalidArgument, "hidden attention: " + std::to_string(channels) + " matrices of " +
                                               std::to_string(tokens) + " tokens; expected at most 2^27 values in all");
}

class Matrices {
 public:
  Matrices(const ScanTerms& terms, const ScanConstants& constants, Direction direction, Sign sign)
      : terms_(terms), constants_(constants), direction_(direction), sign_(sign) {}

  /// The column of token `from` in one channel: what it leaves in the states, read by it and by those after it.
  void column(HiddenAttention& out, std::int64_t channel, std::int64_t from, std::int64_t end) const {
    const std::int64_t way = direction_ == Direction::kForward ? 1 : -1;
    const double input = dt(from, channel);
    double time = 0;
    for (std::int64_t row = from; row != end; row += way) {
      if (row != from) time += dt(row, channel);
      double sum = 0;
      for (std::int64_t n = 0; n < constants_.states; ++n) {
        const double a2 = constants_.a2[n * constants_.channel_stride + channel];
        const double b = terms_.b[from * terms_.b_step + n], c = terms_.c[row * terms_.c_step + n];
        sum += (sign_ == Sign::kSigned ? b * c : std::fabs(b * c)) * std::exp2(a2 * time);
      }
      out.at(channel, row, from) = sum * input;
    }
  }

 private:
  double dt(std::int64_t token, std::int64_t channel) const {
    const double bias = constants_.delta_bias == nullptr ? 0.0 : constants_.delta_bias[channel];
    const double raw = terms_.delta[token * terms_.delta_step + channel] + bias;
    return constants_.delta_softplus ? softplus(raw) : raw;
  }

  const ScanTerms& terms_;
  const ScanConstants& constants_;
  Direction direction_;
  Sign sign_;
};

}  // namespace

HiddenAttention hidden_attention(const ScanTerms& terms, const ScanConstants& constants, std::int64_t tokens,
                                 Direction direction, Sign sign, std::int64_t segment) {
  check_size(constants.channels, tokens);
  if (segment <= 0) segment = tokens;
  HiddenAttention out{constants.channels, tokens, {}};
  out.values.resize(at(constants.channels * tokens * tokens));
  const Matrices matrices(terms, constants, direction, sign);
  for (std::int64_t channel = 0; channel < constants.channels; ++channel) {
    for (std::int64_t token = 0; token < tokens; ++token) {
      const std::int64_t begin = token / segment * segment;
      const std::int64_t end = direction == Direction::kForward ? std::min(begin + segment, tokens) : begin - 1;
      matrices.column(out, channel, token, end);
    }
  }
  return out;
}

TokenMatrix channel_mean(const HiddenAttention& attention, const ScanTerms& terms, const ScanConstants& constants) {
  const std::int64_t tokens = attention.tokens;
  TokenMatrix mean{tokens, std::vector<double>(at(tokens * tokens))};
  for (std::int64_t channel = 0; channel < attention.channels; ++channel) {
    for (std::int64_t row = 0; row < tokens; ++row) {
      const double importance =
          terms.importance == nullptr ? 1.0 : terms.importance[row * terms.importance_step + channel];
      const double share = importance / static_cast<double>(attention.channels);
      for (std::int64_t column = 0; column < tokens; ++column) {
        const double value = terms.value == nullptr ? 1.0 : terms.value[column * terms.value_step + channel];
        const double skip = constants.d == nullptr || row != column ? 0.0 : constants.d[channel];
        mean.at(row, column) += share * value * (attention.at(channel, row, column) + skip);
      }
    }
  }
  return mean;
}

std::vector<double> raw_attention(std::span<const HiddenAttention> blocks, std::int64_t row) {
  if (blocks.empty() || row < 0 || row >= blocks[0].tokens) {
    throw Error(ErrorCode::kInvalidArgument, "raw attention: row " + std::to_string(row) + " of no such matrix");
  }
  std::vector<double> mean(at(blocks[0].tokens));
  for (const HiddenAttention& block : blocks) {
    const auto [least, most] = std::minmax_element(block.values.begin(), block.values.end());
    const double scale = *most > *least ? 1 / (*most - *least) : 0;
    const double share = scale / static_cast<double>(block.channels) / static_cast<double>(blocks.size());
    for (std::int64_t channel = 0; channel < block.channels; ++channel) {
      for (std::int64_t column = 0; column < block.tokens; ++column) {
        mean[at(column)] += share * (block.at(channel, row, column) - *least);
      }
    }
  }
  return mean;
}

TokenMatrix rollout(std::span<const TokenMatrix> blocks) {
  if (blocks.empty()) throw Error(ErrorCode::kInvalidArgument, "rollout: no blocks");
  const std::int64_t tokens = blocks[0].tokens;
  TokenMatrix product{tokens, std::vector<double>(at(tokens * tokens))};
  for (std::int64_t i = 0; i < tokens; ++i) product.at(i, i) = 1;
  for (std::size_t index = blocks.size(); index-- > 0;) {
    const TokenMatrix& block = blocks[index];
    TokenMatrix next{tokens, std::vector<double>(at(tokens * tokens))};
    for (std::int64_t k = 0; k < tokens; ++k) {
      double sum = 1;
      for (std::int64_t j = 0; j < tokens; ++j) sum += block.at(k, j);
      for (std::int64_t i = 0; i < tokens; ++i) {
        const double through = product.at(i, k) / sum;
        next.at(i, k) += through;
        for (std::int64_t j = 0; j < tokens; ++j) next.at(i, j) += through * block.at(k, j);
      }
    }
    product = std::move(next);
  }
  return product;
}

}  // namespace histojet::explain
