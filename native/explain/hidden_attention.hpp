#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "explain/scan_terms.hpp"

namespace histojet::explain {

// The attention between tokens that a selective scan hides (Ali, Zimerman and Wolf, arXiv 2403.01590), as matrices:
// time and memory grow with the square of the sequence. For short sequences, and the truth that the linear forms are
// held against.

/// [channels][tokens][tokens] in double precision: row i says how much each token enters the output of token i.
struct HiddenAttention {
  std::int64_t channels = 0;
  std::int64_t tokens = 0;
  std::vector<double> values;

  double& at(std::int64_t channel, std::int64_t row, std::int64_t column) {
    return values[static_cast<std::size_t>((channel * tokens + row) * tokens + column)];
  }
  double at(std::int64_t channel, std::int64_t row, std::int64_t column) const {
    return values[static_cast<std::size_t>((channel * tokens + row) * tokens + column)];
  }
};

/// A square matrix of tokens.
struct TokenMatrix {
  std::int64_t tokens = 0;
  std::vector<double> values;

  double& at(std::int64_t row, std::int64_t column) { return values[static_cast<std::size_t>(row * tokens + column)]; }
  double at(std::int64_t row, std::int64_t column) const {
    return values[static_cast<std::size_t>(row * tokens + column)];
  }
};

/// Attention of one branch over a whole sequence. kBackward: of the reversed sequence, turned back in both indices, so
/// that tokens see those behind them. `segment` tokens at a time if above 0: nothing passes from one segment to the
/// next. Importance, values and skip are not part of it.
/// @throws Error kInvalidArgument for more than 2^27 values.
HiddenAttention hidden_attention(const ScanTerms& terms, const ScanConstants& constants, std::int64_t tokens,
                                 Direction direction, Sign sign, std::int64_t segment = 0);

/// Mean over channels: each value with the skip, the importance of its row and the value of its column, if there are
/// such.
TokenMatrix channel_mean(const HiddenAttention& attention, const ScanTerms& terms, const ScanConstants& constants);

/// One row of the reference's `raw` map: attention of each block scaled so that its smallest value is 0 and its largest
/// 1, averaged over channels and over the blocks given (the reference takes the upper ones, from 15 of 24 on).
std::vector<double> raw_attention(std::span<const HiddenAttention> blocks, std::int64_t row);

/// The reference's `rollout`: each block's matrix plus the identity, rows divided by their sums, multiplied from the
/// last block to the first.
TokenMatrix rollout(std::span<const TokenMatrix> blocks);

}  // namespace histojet::explain
