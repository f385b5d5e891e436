#pragma once

#include <cstdint>

#include "tokens/mamba_mixer.hpp"

namespace histojet::explain {

using tokens::Direction;

/// A run of tokens as the scan of one branch sees them, in the order of the sequence: what attention between tokens is
/// made of. A view; rows lie `*_step` floats apart.
struct ScanTerms {
  const float* delta = nullptr;  ///< [tokens][channels], before bias and softplus
  const float* b = nullptr;      ///< [tokens][states]
  const float* c = nullptr;      ///< [tokens][states]
  /// [tokens][channels]: how much a channel of a token counts among its channels; null: all the same (1).
  const float* importance = nullptr;
  std::int64_t delta_step = 0;
  std::int64_t b_step = 0;
  std::int64_t c_step = 0;
  std::int64_t importance_step = 0;
  /// [tokens][channels]: how much of a token is read; null: all the same (1).
  const float* value = nullptr;
  std::int64_t value_step = 0;
};

/// What a branch has in common for all tokens.
struct ScanConstants {
  const float* a2 = nullptr;          ///< [states][channel_stride]: A log2(e)
  const float* delta_bias = nullptr;  ///< [channels]; null: 0
  const float* d = nullptr;           ///< [channels]: what a token has from itself, past the states; null: 0
  std::int64_t channel_stride = 0;    ///< channels rounded up to 16
  std::int64_t channels = 0;
  std::int64_t states = 0;
  bool delta_softplus = true;
};

/// Which sums stand for the attention between two tokens.
enum class Sign {
  kMajorant,  ///< of absolute terms, |C| and |B|: never negative, at least as large as the signed sum's size
  kSigned,    ///< as they are; terms may cancel
};

/// What makes one channel of a token count more than another.
enum class Weighting {
  kAttention,  ///< nothing: the mean of the hidden attention over channels, as published
  kChannels,   ///< the size of the token's gate (|SiLU(z)|), and that of the channel's column of out_proj
  /// The size of what really reaches the token: as kChannels, times the size of what is read (convolved and activated)
  /// and with the skip, in relation to the length of the token that it is added to. Channels add up like independent
  /// ones (the sum divided by the root of their number).
  kContribution,
};

/// The attention of one block, given tile by tile. Safe from two threads with different directions.
class BlockTerms {
 public:
  virtual ~BlockTerms() = default;
  virtual std::int64_t tokens() const = 0;
  virtual bool has(Direction direction) const = 0;
  virtual ScanConstants constants(Direction direction) const = 0;
  /// Terms of tokens [first, first + count), valid until the next call with this direction. What surrounds the tokens
  /// counts: a tile's terms do not depend on where tiles begin.
  virtual ScanTerms terms(Direction direction, std::int64_t first, std::int64_t count) = 0;
  /// Factor of the sum of both directions (1/2 where the block halves it).
  virtual double factor() const { return 1; }
};

}  // namespace histojet::explain
