#pragma once

#include "kernels/activation/activation_vector.hpp"
#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"

namespace histojet::kernels {
namespace {

// Sums of so many neighbouring pixels, the weights of one kernel row and an input fill the registers.
constexpr int kPixels = kLanes == 16 ? 8 : 4;

/// `P` pixels from column x, one vector of channels. Each input is loaded once for all taps of its kernel row.
template <int K, int Stride, int P, Storage S>
inline void block(const DepthwiseConv2dArgs& args, const RowIn* rows, std::int64_t x, std::int64_t c,
                  const RowOut& out) {
  Floats sum[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sum[p] = load(args.bias + c);
  for (int dy = 0; dy < K; ++dy) {
    Floats weight[K];
    const float* weights = args.weights + dy * K * args.channels + c;
#pragma GCC unroll 7
    for (int dx = 0; dx < K; ++dx) weight[dx] = load(weights + dx * args.channels);
#pragma GCC unroll 24
    for (int j = 0; j < (P - 1) * Stride + K; ++j) {
      const Floats in = load<S>(rows[dy].pixels, rows[dy].plane_bytes, (x * Stride + j) * args.channels + c);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const int dx = j - p * Stride;
        if (dx >= 0 && dx < K) sum[p] = fma(in, weight[dx], sum[p]);
      }
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    store<S>(out.pixels, out.plane_bytes, (x + p) * args.channels + c, activated(args.activation, sum[p]));
  }
}

template <int K, int Stride, int P, Storage S>
void all_channels(const DepthwiseConv2dArgs& args, const RowIn* rows, std::int64_t x, const RowOut& out) {
  for (std::int64_t c = 0; c < args.channels; c += kLanes) block<K, Stride, P, S>(args, rows, x, c, out);
}

template <int K, int Stride, Storage S>
void all_rows(const DepthwiseConv2dArgs& args) {
  for (std::int64_t y = 0; y < args.row_count; ++y) {
    const RowIn* rows = args.rows + y * K;
    std::int64_t x = 0;
    for (; x + kPixels <= args.width; x += kPixels)
      all_channels<K, Stride, kPixels, S>(args, rows, x, args.out_rows[y]);
    if (x == args.width) continue;
    if (args.width >= kPixels) {
      // Some pixels of the block before are computed again, which is faster than one pixel after the other.
      all_channels<K, Stride, kPixels, S>(args, rows, args.width - kPixels, args.out_rows[y]);
    } else {
      for (; x < args.width; ++x) all_channels<K, Stride, 1, S>(args, rows, x, args.out_rows[y]);
    }
  }
}

template <int K, Storage S>
void any_stride(const DepthwiseConv2dArgs& args) {
  if (args.stride == 1) return all_rows<K, 1, S>(args);
  all_rows<K, 2, S>(args);
}

template <Storage S>
void any_kernel(const DepthwiseConv2dArgs& args) {
  if (args.kernel == 3) return any_stride<3, S>(args);
  if (args.kernel == 5) return any_stride<5, S>(args);
  any_stride<7, S>(args);
}

inline void convolve_depthwise(const DepthwiseConv2dArgs& args) {
  if (args.storage == Storage::kFloat32) return any_kernel<Storage::kFloat32>(args);
  if (args.storage == Storage::kBfloat16) return any_kernel<Storage::kBfloat16>(args);
  any_kernel<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
