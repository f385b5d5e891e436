#pragma once

#include <cstdint>

#include "kernels/activation/activation.hpp"

namespace histojet::kernels {

/// Convolution of each channel along the tokens with the token itself and the three before it, as in Mamba blocks:
/// out[t][c] = activation(bias[c] + sum over j of in[t - 3 + j][c] * weights[j][c]) in float32, rounded to the storage
/// at the end. Tokens before the first of the sequence count as zeros.
///
/// `in` is the first token of this call; the `tokens_before` tokens before it (at most three are looked at) lie in
/// memory in front of it. Results do not depend on how the tokens are split between calls. Rows hold `channels` values,
/// a multiple of 16. Inputs and outputs must not overlap.
struct CausalConv1dArgs {
  RowIn in;
  RowOut out;
  std::int64_t in_row_bytes;
  std::int64_t out_row_bytes;
  std::int64_t tokens;
  std::int64_t tokens_before;
  std::int64_t channels;
  const float* weights;  ///< [4][channels], the token itself last; PyTorch's Conv1d weight [channels][1][4] transposed
  const float* bias;     ///< [channels]
  Activation activation;
  Storage storage;
};

constexpr std::int64_t kCausalTaps = 4;

extern const KernelTable<CausalConv1dArgs> kCausalConv1d;

namespace scalar {
void causal_conv1d(const CausalConv1dArgs& args);
}
namespace avx2 {
void causal_conv1d(const CausalConv1dArgs& args);
}
namespace avx512 {
void causal_conv1d(const CausalConv1dArgs& args);
}
namespace avx512bf16 {
void causal_conv1d(const CausalConv1dArgs& args);
}

}  // namespace histojet::kernels
