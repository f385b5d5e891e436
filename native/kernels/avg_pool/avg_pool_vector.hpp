#pragma once

#include "kernels/avg_pool/avg_pool.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// V vectors of channels from c on, over the columns [begin, end) of all rows.
template <Storage S, int V>
inline void pool_window(const AvgPoolArgs& args, std::int64_t begin, std::int64_t end, std::int64_t x, std::int64_t c,
                        float divisor) {
  Floats total[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) total[v] = all(0.0f);
  for (std::int64_t y = 0; y < args.row_count; ++y) {
    Floats sum[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[v] = all(0.0f);
    for (std::int64_t i = begin; i < end; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const std::int64_t index = i * args.channels + c + v * kLanes;
        sum[v] = sum[v] + load<S>(args.rows[y].pixels, args.rows[y].plane_bytes, index);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) total[v] = total[v] + sum[v];
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t index = x * args.channels + c + v * kLanes;
    store(args.out_storage, args.out.pixels, args.out.plane_bytes, index, total[v] / all(divisor));
  }
}

template <Storage S>
void pool_row(const AvgPoolArgs& args) {
  for (std::int64_t x = 0; x < args.out_width; ++x) {
    const std::int64_t left = x * args.stride - args.padding;
    const std::int64_t begin = left > 0 ? left : 0;
    const std::int64_t right = left + args.window < args.in_width ? left + args.window : args.in_width;
    const std::int64_t count = (right > begin ? right - begin : 0) * args.row_count;
    const auto divisor = static_cast<float>(args.divisor != 0 ? args.divisor : count > 0 ? count : 1);
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= args.channels; c += 4 * kLanes) pool_window<S, 4>(args, begin, right, x, c, divisor);
    for (; c < args.channels; c += kLanes) pool_window<S, 1>(args, begin, right, x, c, divisor);
  }
}

inline void pool_any(const AvgPoolArgs& args) {
  if (args.in_storage == Storage::kFloat32) return pool_row<Storage::kFloat32>(args);
  if (args.in_storage == Storage::kBfloat16) return pool_row<Storage::kBfloat16>(args);
  pool_row<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
