#pragma once

#include "kernels/activation/activation.hpp"
#include "kernels/vector/math.hpp"

namespace histojet::kernels {
namespace {

template <Activation F>
inline Floats apply(Floats x) {
  if constexpr (F == Activation::kRelu) return max(all(0.0f), x);
  if constexpr (F == Activation::kGeluErf) return gelu_erf(x);
  if constexpr (F == Activation::kGeluTanh) return gelu_tanh(x);
  if constexpr (F == Activation::kSilu) return silu(x);
  if constexpr (F == Activation::kSigmoid) return sigmoid(x);
  if constexpr (F == Activation::kSoftplus) return softplus(x);
  return x;
}

/// For kernels that spend far more on a value than this branch. Not inlined: eight copies of each formula in one loop
/// would crowd out the instruction cache.
[[gnu::noinline, maybe_unused]] Floats apply(Activation function, Floats x) {
  switch (function) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return apply<Activation::kRelu>(x);
    case Activation::kGeluErf:
      return apply<Activation::kGeluErf>(x);
    case Activation::kGeluTanh:
      return apply<Activation::kGeluTanh>(x);
    case Activation::kSilu:
      return apply<Activation::kSilu>(x);
    case Activation::kSigmoid:
      return apply<Activation::kSigmoid>(x);
    case Activation::kSoftplus:
      return apply<Activation::kSoftplus>(x);
  }
  return x;
}

inline Floats activated(Activation function, Floats x) {
  return function == Activation::kNone ? x : apply(function, x);
}

template <Activation F, Storage In, Storage Out>
void activate_rows(const ActivationArgs& args) {
  const std::int64_t in_plane = args.in.plane_bytes;
  const std::int64_t out_plane = args.out.plane_bytes;
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const std::byte* in = args.in.pixels + y * args.in_row_bytes;
    std::byte* out = args.out.pixels + y * args.out_row_bytes;
    // Independent chains hide the latency of the polynomials.
    std::int64_t i = 0;
    for (; i + 4 * kLanes <= args.count; i += 4 * kLanes) {
      Floats value[4];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) value[v] = apply<F>(load<In>(in, in_plane, i + v * kLanes));
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) store<Out>(out, out_plane, i + v * kLanes, value[v]);
    }
    for (; i < args.count; i += kLanes) store<Out>(out, out_plane, i, apply<F>(load<In>(in, in_plane, i)));
  }
}

template <Activation F>
void activate(const ActivationArgs& args) {
  constexpr Storage kFloat = Storage::kFloat32;
  constexpr Storage kHalf = Storage::kBfloat16;
  constexpr Storage kSplit = Storage::kSplit;
  if (args.in_storage == kFloat) {
    if (args.out_storage == kFloat) return activate_rows<F, kFloat, kFloat>(args);
    if (args.out_storage == kHalf) return activate_rows<F, kFloat, kHalf>(args);
    return activate_rows<F, kFloat, kSplit>(args);
  }
  if (args.in_storage == kHalf) {
    if (args.out_storage == kFloat) return activate_rows<F, kHalf, kFloat>(args);
    if (args.out_storage == kHalf) return activate_rows<F, kHalf, kHalf>(args);
    return activate_rows<F, kHalf, kSplit>(args);
  }
  if (args.out_storage == kFloat) return activate_rows<F, kSplit, kFloat>(args);
  if (args.out_storage == kHalf) return activate_rows<F, kSplit, kHalf>(args);
  activate_rows<F, kSplit, kSplit>(args);
}

inline void activate_any(const ActivationArgs& args) {
  switch (args.function) {
    case Activation::kNone:
      return activate<Activation::kNone>(args);
    case Activation::kRelu:
      return activate<Activation::kRelu>(args);
    case Activation::kGeluErf:
      return activate<Activation::kGeluErf>(args);
    case Activation::kGeluTanh:
      return activate<Activation::kGeluTanh>(args);
    case Activation::kSilu:
      return activate<Activation::kSilu>(args);
    case Activation::kSigmoid:
      return activate<Activation::kSigmoid>(args);
    case Activation::kSoftplus:
      return activate<Activation::kSoftplus>(args);
  }
}

}  // namespace
}  // namespace histojet::kernels
