#pragma once

#include "kernels/scan_2d/scan_2d.hpp"
#include "kernels/selective_scan/scan_rows_vector.hpp"

namespace histojet::kernels {
namespace {

/// One vector of channels of one row of cells. B and C are the same for all channels, or per channel.
class CellScan : private ScanRows {
 public:
  CellScan(const Scan2dArgs& args, std::int64_t channel)
      : ScanRows(args.row, channel), above_(args.above + channel), above_step_(args.above_step) {}

  void run() {
    run_tiles([this](std::int64_t t, std::int64_t steps) {
      std::int64_t n = 0;
      for (; n + 4 <= args_.states; n += 4) block<4>(t, steps, n);
      for (; n < args_.states; ++n) block<1>(t, steps, n);
    });
  }

 private:
  template <int S>
  void block(std::int64_t t, std::int64_t steps, std::int64_t n) {
    const std::int64_t stride = args_.channel_stride;
    float* const states = args_.state + n * stride + channel_;
    float* above = above_ + t * above_step_ + n * stride;
    Floats a2[S], state[S];
#pragma GCC unroll 4
    for (int i = 0; i < S; ++i) {
      a2[i] = load(args_.a2 + (n + i) * stride + channel_);
      state[i] = load(states + i * stride);
    }
    for (std::int64_t step = 0; step < steps; ++step, above += above_step_) {
      if (n == 0) ask(step);
      const Floats dt = load(tile_.dt[step]);
      const Floats du = load(tile_.du[step]);
      Floats sum = n == 0 ? all(0.0f) : load(tile_.sum[step]);
#pragma GCC unroll 4
      for (int i = 0; i < S; ++i) {
        const Floats power = decay(dt, a2[i]);
        state[i] = fma(state[i], power, du * factor(args_.b, args_.b_per_channel, args_.b_step, t + step, n + i));
        const Floats cell = fma(load(above + i * stride), power, state[i]);
        store(above + i * stride, cell);
        sum = fma(cell, factor(args_.c, args_.c_per_channel, args_.c_step, t + step, n + i), sum);
      }
      store(tile_.sum[step], sum);
    }
#pragma GCC unroll 4
    for (int i = 0; i < S; ++i) store(states + i * stride, state[i]);
  }

  Floats factor(const float* from, bool per_channel, std::int64_t step, std::int64_t t, std::int64_t n) const {
    return per_channel ? load(from + n * args_.channel_stride + channel_) : all(from[t * step + n]);
  }

  float* const above_;
  const std::int64_t above_step_;
};

inline void scan_cells(const Scan2dArgs& args) {
  for (std::int64_t channel = 0; channel < args.row.channels; channel += kLanes) CellScan(args, channel).run();
  if (args.row.stream) finish_streaming();
}

}  // namespace
}  // namespace histojet::kernels
