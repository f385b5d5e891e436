#pragma once

#include "kernels/activation/activation_vector.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/selective_scan/decay_vector.hpp"

namespace histojet::kernels {
namespace {

constexpr int kTaps = 4;
// Neighbouring tokens share most of their inputs.
constexpr int kTokens = 4;

/// SiLU is what mixers ask for: its formula stands in the loop, and is the scan's, which knows no division. A call for
/// each vector would also cost the registers that hold inputs and weights.
template <bool Silu>
inline Floats finished(Activation function, Floats sum) {
  if constexpr (Silu) return gate(sum);
  return activated(function, sum);
}

/// Tokens [t, t + T), one vector of channels; zeros before the sequence.
template <int T, Storage S, bool Silu>
inline void block(const CausalConv1dArgs& args, std::int64_t t, std::int64_t c) {
  Floats in[T + kTaps - 1];
#pragma GCC unroll 8
  for (int i = 0; i < T + kTaps - 1; ++i) {
    const std::int64_t token = t + i - (kTaps - 1);
    in[i] = token + args.tokens_before < 0
                ? all(0.0f)
                : load<S>(args.in.pixels + token * args.in_row_bytes, args.in.plane_bytes, c);
  }
  Floats weight[kTaps];
#pragma GCC unroll 4
  for (int j = 0; j < kTaps; ++j) weight[j] = load(args.weights + j * args.channels + c);
  const Floats bias = load(args.bias + c);
#pragma GCC unroll 4
  for (int i = 0; i < T; ++i) {
    Floats sum = bias;
#pragma GCC unroll 4
    for (int j = 0; j < kTaps; ++j) sum = fma(in[i + j], weight[j], sum);
    std::byte* out = args.out.pixels + (t + i) * args.out_row_bytes;
    store<S>(out, args.out.plane_bytes, c, finished<Silu>(args.activation, sum));
  }
}

template <Storage S, bool Silu>
void convolve_tokens(const CausalConv1dArgs& arguments) {
  const CausalConv1dArgs args = arguments;  // a copy: stores cannot change it
  std::int64_t t = 0;
  for (; t + kTokens <= args.tokens; t += kTokens) {
    for (std::int64_t c = 0; c < args.channels; c += kLanes) block<kTokens, S, Silu>(args, t, c);
  }
  for (; t < args.tokens; ++t) {
    for (std::int64_t c = 0; c < args.channels; c += kLanes) block<1, S, Silu>(args, t, c);
  }
}

template <Storage S>
void convolve_stored(const CausalConv1dArgs& args) {
  if (args.activation == Activation::kSilu) return convolve_tokens<S, true>(args);
  convolve_tokens<S, false>(args);
}

inline void convolve_causal(const CausalConv1dArgs& args) {
  if (args.storage == Storage::kFloat32) return convolve_stored<Storage::kFloat32>(args);
  if (args.storage == Storage::kBfloat16) return convolve_stored<Storage::kBfloat16>(args);
  convolve_stored<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
