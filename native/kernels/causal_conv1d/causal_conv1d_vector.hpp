#pragma once

#include "kernels/activation/activation_vector.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"

namespace histojet::kernels {
namespace {

constexpr int kTaps = 4;
// Neighbouring tokens share most of their inputs.
constexpr int kTokens = 4;

/// Tokens [t, t + T), one vector of channels; zeros before the sequence.
template <int T, Storage S>
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
#pragma GCC unroll 4
  for (int i = 0; i < T; ++i) {
    Floats sum = load(args.bias + c);
#pragma GCC unroll 4
    for (int j = 0; j < kTaps; ++j) sum = fma(in[i + j], weight[j], sum);
    std::byte* out = args.out.pixels + (t + i) * args.out_row_bytes;
    store<S>(out, args.out.plane_bytes, c, activated(args.activation, sum));
  }
}

template <Storage S>
void convolve_tokens(const CausalConv1dArgs& args) {
  std::int64_t t = 0;
  for (; t + kTokens <= args.tokens; t += kTokens) {
    for (std::int64_t c = 0; c < args.channels; c += kLanes) block<kTokens, S>(args, t, c);
  }
  for (; t < args.tokens; ++t) {
    for (std::int64_t c = 0; c < args.channels; c += kLanes) block<1, S>(args, t, c);
  }
}

inline void convolve_causal(const CausalConv1dArgs& args) {
  if (args.storage == Storage::kFloat32) return convolve_tokens<Storage::kFloat32>(args);
  if (args.storage == Storage::kBfloat16) return convolve_tokens<Storage::kBfloat16>(args);
  convolve_tokens<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
