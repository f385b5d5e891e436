#pragma once

#include "kernels/scan_2d/scan_2d.hpp"
#include "kernels/selective_scan/scan_rows_vector.hpp"

namespace histojet::kernels {
namespace {

// States that stay in registers.
#if defined(__AVX512F__)
constexpr int kCellStates = 16;
#else
constexpr int kCellStates = 4;
#endif

/// One vector of channels of one row of cells. B and C are the same for all channels, or per channel.
class CellScan : private ScanRows {
 public:
  CellScan(const Scan2dArgs& args, std::int64_t channel)
      : ScanRows(args.row, channel), above_(args.above + channel), above_step_(args.above_step) {}

  void run() {
    run_tiles([this](std::int64_t t, std::int64_t steps) {
      if (args_.b_per_channel || args_.c_per_channel) {
        advance<true>(t, steps);
      } else {
        advance<false>(t, steps);
      }
    });
  }

 private:
  template <bool PerChannel>
  void advance(std::int64_t t, std::int64_t steps) {
    std::int64_t n = 0;
    for (; n + kCellStates <= args_.states; n += kCellStates) block<kCellStates, PerChannel>(t, steps, n);
    if constexpr (kCellStates > 4) {
      for (; n + 4 <= args_.states; n += 4) block<4, PerChannel>(t, steps, n);
    }
    for (; n < args_.states; ++n) block<1, PerChannel>(t, steps, n);
  }

  template <int S, bool PerChannel>
  void block(std::int64_t t, std::int64_t steps, std::int64_t n) {
    alignas(64) float a2[S][kLanes];
    Floats state[S];
    const std::int64_t stride = args_.channel_stride;
    float* const states = args_.state + n * stride + channel_;
    float* above = above_ + t * above_step_ + n * stride;
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) {
      store(a2[i], load(args_.a2 + (n + i) * stride + channel_));
      state[i] = load(states + i * stride);
    }
    for (std::int64_t step = 0; step < steps; ++step, above += above_step_) {
      const Floats dt = load(tile_.dt[step]);
      const Floats du = load(tile_.du[step]);
      const Factor b = factor(args_.b, args_.b_per_channel, args_.b_step, t + step, n);
      const Factor c = factor(args_.c, args_.c_per_channel, args_.c_step, t + step, n);
      Floats even = n == 0 ? all(0.0f) : load(tile_.sum[step]);
      Floats odd = all(0.0f);
#pragma GCC unroll 16
      for (int i = 0; i < S; ++i) {
        const Floats power = decay(dt * load(a2[i]));
        state[i] = fma(state[i], power, du * b.template of<PerChannel>(i));
        const Floats cell = fma(load(above + i * stride), power, state[i]);
        store(above + i * stride, cell);
        Floats& sum = i % 2 == 0 ? even : odd;
        sum = fma(cell, c.template of<PerChannel>(i), sum);
      }
      store(tile_.sum[step], S == 1 ? even : even + odd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) store(states + i * stride, state[i]);
  }

  /// B or C of one cell, from state n on.
  struct Factor {
    const float* values;
    std::int64_t channel_stride;  ///< 0: the same for all channels

    template <bool PerChannel>
    Floats of(int i) const {
      return PerChannel && channel_stride != 0 ? load(values + i * channel_stride) : all(values[i]);
    }
  };

  Factor factor(const float* from, bool per_channel, std::int64_t step, std::int64_t t, std::int64_t n) const {
    if (per_channel) return {from + n * args_.channel_stride + channel_, args_.channel_stride};
    return {from + t * step + n, 0};
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
