#pragma once

#include "kernels/selective_scan/scan_rows_vector.hpp"

namespace histojet::kernels {
namespace {

// States that stay in registers.
#if defined(__AVX512F__)
constexpr int kBlockStates = 16;
#else
constexpr int kBlockStates = 4;
#endif

class ChannelScan : private ScanRows {
 public:
  using ScanRows::ScanRows;

  void run() {
    if (args_.b_per_channel || args_.c_per_channel) {
      run_tiles([this](std::int64_t t, std::int64_t steps) { advance_per_channel(t, steps); });
    } else {
      run_tiles([this](std::int64_t t, std::int64_t steps) { advance<false, false>(t, steps); });
    }
  }

 private:
  void advance_per_channel(std::int64_t t, std::int64_t steps) {
    if (!args_.b_per_channel) return advance<false, true>(t, steps);
    if (!args_.c_per_channel) return advance<true, false>(t, steps);
    advance<true, true>(t, steps);
  }

  /// All states through the steps of a tile, block after block.
  template <bool BPerChannel, bool CPerChannel>
  void advance(std::int64_t t, std::int64_t steps) {
    std::int64_t n = 0;
    for (; n + kBlockStates <= args_.states; n += kBlockStates) {
      block<kBlockStates, BPerChannel, CPerChannel>(t, steps, n);
    }
    if constexpr (kBlockStates > 8) {
      if (n + 8 <= args_.states) block<8, BPerChannel, CPerChannel>(t, steps, n), n += 8;
    }
    if constexpr (kBlockStates > 4) {
      if (n + 4 <= args_.states) block<4, BPerChannel, CPerChannel>(t, steps, n), n += 4;
    }
    for (; n < args_.states; ++n) block<1, BPerChannel, CPerChannel>(t, steps, n);
  }

  template <int S, bool BPerChannel, bool CPerChannel>
  void block(std::int64_t t, std::int64_t steps, std::int64_t n) {
    alignas(64) float a2[S][kLanes];
    Floats state[S];
    const std::int64_t stride = args_.channel_stride;
    float* const states = args_.state + n * stride + channel_;
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) {
      store(a2[i], load(args_.a2 + (n + i) * stride + channel_));
      state[i] = load(states + i * stride);
    }
    const std::int64_t b_step = BPerChannel ? 0 : args_.b_step;
    const std::int64_t c_step = CPerChannel ? 0 : args_.c_step;
    const float* b = BPerChannel ? args_.b + n * stride + channel_ : args_.b + t * b_step + n;
    const float* c = CPerChannel ? args_.c + n * stride + channel_ : args_.c + t * c_step + n;
    for (std::int64_t step = 0; step < steps; ++step, b += b_step, c += c_step) {
      const Floats dt = load(tile_.dt[step]);
      const Floats du = load(tile_.du[step]);
      Floats even = n == 0 ? all(0.0f) : load(tile_.sum[step]);
      Floats odd = all(0.0f);
#pragma GCC unroll 16
      for (int i = 0; i < S; ++i) {
        const Floats input = du * (BPerChannel ? load(b + i * stride) : all(b[i]));
        state[i] = fma(state[i], decay(dt * load(a2[i])), input);
        Floats& sum = i % 2 == 0 ? even : odd;
        sum = fma(state[i], CPerChannel ? load(c + i * stride) : all(c[i]), sum);
      }
      store(tile_.sum[step], S == 1 ? even : even + odd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) store(states + i * stride, state[i]);
  }
};

inline void scan_channels(const SelectiveScanArgs& args) {
  for (std::int64_t channel = 0; channel < args.channels; channel += kLanes) ChannelScan(args, channel).run();
  if (args.stream) finish_streaming();
}

}  // namespace
}  // namespace histojet::kernels
