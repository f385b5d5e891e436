#pragma once

#include <cstdint>

#include "kernels/selective_scan/decay_vector.hpp"
#include "kernels/ssd_scan/ssd_scan.hpp"
#include "kernels/vector/partial.hpp"

namespace histojet::kernels {
namespace {

constexpr std::int64_t kHeadSteps = 32;

// States that stay in registers. With these the recurrence costs three operations per state and step, less than the
// products of the chunked form on the same units.
#if defined(__AVX512F__)
constexpr int kHeadStates = 16;
#else
constexpr int kHeadStates = 8;
#endif

/// What all channels of a head share, for some steps.
struct alignas(64) HeadTile {
  float dt[kHeadSteps];
  float decay[kHeadSteps];
  float input[kHeadSteps][kLanes];  // dt * x of one vector of channels
  float sum[kHeadSteps][kLanes];
};

class HeadScan {
 public:
  explicit HeadScan(const SsdScanArgs& args) : args_(args) {}

  void run() {
    for (std::int64_t t = 0; t < args_.steps; t += kHeadSteps) {
      const std::int64_t steps = args_.steps - t < kHeadSteps ? args_.steps - t : kHeadSteps;
      prepare(t, steps);
      for (std::int64_t channel = 0; channel < args_.channels; channel += kLanes) advance(t, steps, channel);
    }
  }

 private:
  void prepare(std::int64_t t, std::int64_t steps) {
    for (std::int64_t i = 0; i < kHeadSteps; ++i) {
      tile_.dt[i] = i < steps ? args_.dt[(t + i) * args_.dt_step] + args_.dt_bias : 0.0f;
    }
    for (std::int64_t i = 0; i < kHeadSteps; i += kLanes) {
      const Floats raw = load(tile_.dt + i);
      if (args_.dt_broken != nullptr && any_nan(raw * all(0.0f), kLanes)) *args_.dt_broken = true;
      const Floats dt = args_.dt_softplus ? fast_softplus(raw) : raw;
      store(tile_.dt + i, dt);
      store(tile_.decay + i, decay(dt * all(args_.a2)));
    }
  }

  void advance(std::int64_t t, std::int64_t steps, std::int64_t channel) {
    const std::int64_t lanes = args_.channels - channel < kLanes ? args_.channels - channel : kLanes;
    for (std::int64_t i = 0; i < steps; ++i) {
      const Floats x = load_first(args_.x + (t + i) * args_.x_step + channel, lanes);
      store(tile_.input[i], x * all(tile_.dt[i]));
      store(tile_.sum[i], x * all(args_.d));
    }
    std::int64_t n = 0;
    for (; n + kHeadStates <= args_.states; n += kHeadStates) block<kHeadStates>(t, steps, channel, n);
    for (; n < args_.states; ++n) block<1>(t, steps, channel, n);
    for (std::int64_t i = 0; i < steps; ++i) {
      store_first(args_.y + (t + i) * args_.y_step + channel, lanes, load(tile_.sum[i]));
    }
  }

  template <int S>
  void block(std::int64_t t, std::int64_t steps, std::int64_t channel, std::int64_t n) {
    float* const states = args_.state + n * args_.channel_stride + channel;
    const float* b = args_.b + t * args_.b_step + n;
    const float* c = args_.c + t * args_.c_step + n;
    Floats state[S];
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) state[i] = load(states + i * args_.channel_stride);
    for (std::int64_t step = 0; step < steps; ++step, b += args_.b_step, c += args_.c_step) {
      const Floats power = all(tile_.decay[step]);
      const Floats input = load(tile_.input[step]);
      Floats even = load(tile_.sum[step]), odd = all(0.0f);
#pragma GCC unroll 16
      for (int i = 0; i < S; ++i) {
        state[i] = fma(state[i], power, input * all(b[i]));
        Floats& sum = i % 2 == 0 ? even : odd;
        sum = fma(state[i], all(c[i]), sum);
      }
      store(tile_.sum[step], S == 1 ? even : even + odd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) store(states + i * args_.channel_stride, state[i]);
  }

  const SsdScanArgs args_;  // a copy: stores cannot change it
  HeadTile tile_;
};

inline void scan_head(const SsdScanArgs& args) {
  HeadScan(args).run();
}

}  // namespace
}  // namespace histojet::kernels
