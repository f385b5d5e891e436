#pragma once

#include <cstdint>

#include "kernels/adjoint_scan/adjoint_scan.hpp"
#include "kernels/selective_scan/decay_vector.hpp"
#include "kernels/vector/partial.hpp"

namespace histojet::kernels {
namespace {

// As in the scan itself: what the recurrence needs of these steps lies in L1 before it starts.
constexpr std::int64_t kAdjointSteps = 32;

// States that stay in registers.
#if defined(__AVX512F__)
constexpr int kAdjointStates = 16;
#else
constexpr int kAdjointStates = 4;
#endif

struct alignas(64) AdjointTile {
  float dt[kAdjointSteps][kLanes];
  float weight[kAdjointSteps][kLanes];
  float column[kAdjointSteps][kLanes];
  float sum[kAdjointSteps][kLanes];  ///< of the vectors of channels so far
};

/// Up to kAdjointSteps steps of one vector of channels after the other.
class AdjointSteps {
 public:
  explicit AdjointSteps(const AdjointScanArgs& args) : args_(args) {}

  void run(std::int64_t t, std::int64_t steps) {
    for (std::int64_t i = 0; i < steps; ++i) store(tile_.sum[i], all(0.0f));
    for (std::int64_t channel = 0; channel < args_.channels; channel += kLanes) {
      channel_ = channel;
      lanes_ = args_.channels - channel < kLanes ? args_.channels - channel : kLanes;
      if (args_.delta_softplus) {
        prepare<true>(t, steps);
      } else {
        prepare<false>(t, steps);
      }
      advance(t, steps);
      finish(t, steps);
    }
    if (args_.sum == nullptr) return;
    for (std::int64_t i = 0; i < steps; ++i) args_.sum[(t + i) * args_.sum_step] = sum_of_lanes(load(tile_.sum[i]));
  }

 private:
  Floats read(const float* from) const { return lanes_ == kLanes ? load(from) : load_first(from, lanes_); }

  /// dt and the row's weight; 0 in lanes that are no channel.
  template <bool Softplus>
  void prepare(std::int64_t t, std::int64_t steps) {
    const float* delta = args_.delta + t * args_.delta_step + channel_;
    const float* importance =
        args_.importance == nullptr ? nullptr : args_.importance + t * args_.importance_step + channel_;
    const Floats bias = args_.delta_bias == nullptr ? all(0.0f) : read(args_.delta_bias + channel_);
    const Floats ones = select(first_lanes(lanes_), all(1.0f), all(0.0f));
    for (std::int64_t i = 0; i < steps; ++i, delta += args_.delta_step) {
      const Floats raw = read(delta) + bias;
      store(tile_.dt[i], Softplus ? softplus(raw) : raw);
      const Floats factor = importance == nullptr ? ones : read(importance + i * args_.importance_step);
      store(tile_.weight[i], factor * all(args_.weight[(t + i) * args_.weight_step]));
    }
  }

  void advance(std::int64_t t, std::int64_t steps) {
    std::int64_t n = 0;
    for (; n + kAdjointStates <= args_.states; n += kAdjointStates) block<kAdjointStates>(t, steps, n);
    if constexpr (kAdjointStates > 8) {
      if (n + 8 <= args_.states) block<8>(t, steps, n), n += 8;
    }
    if constexpr (kAdjointStates > 4) {
      if (n + 4 <= args_.states) block<4>(t, steps, n), n += 4;
    }
    for (; n < args_.states; ++n) block<1>(t, steps, n);
  }

  template <int S>
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
    const float* b = args_.b + t * args_.b_step + n;
    const float* c = args_.c + t * args_.c_step + n;
    for (std::int64_t step = 0; step < steps; ++step, b += args_.b_step, c += args_.c_step) {
      const Floats dt = load(tile_.dt[step]);
      const Floats weight = load(tile_.weight[step]);
      Floats even = n == 0 ? all(0.0f) : load(tile_.column[step]);
      Floats odd = all(0.0f);
#pragma GCC unroll 16
      for (int i = 0; i < S; ++i) {
        const Floats g = fma(weight, all(c[i]), state[i]);
        Floats& sum = i % 2 == 0 ? even : odd;
        sum = fma(g, all(b[i]), sum);
        state[i] = g * decay(dt * load(a2[i]));
      }
      store(tile_.column[step], S == 1 ? even : even + odd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < S; ++i) store(states + i * stride, state[i]);
  }

  void finish(std::int64_t t, std::int64_t steps) {
    const Mask inside = first_lanes(lanes_);
    const Floats d = args_.d == nullptr ? all(0.0f) : read(args_.d + channel_);
    const float* factor = args_.value == nullptr ? nullptr : args_.value + t * args_.value_step + channel_;
    for (std::int64_t i = 0; i < steps; ++i) {
      Floats value = fma(d, load(tile_.weight[i]), load(tile_.column[i]) * load(tile_.dt[i]));
      if (factor != nullptr) value = value * read(factor + i * args_.value_step);
      value = select(inside, value, all(0.0f));
      store(tile_.sum[i], load(tile_.sum[i]) + value);
      if (args_.columns != nullptr) {
        store_first(args_.columns + (t + i) * args_.columns_step + channel_, lanes_, value);
      }
    }
  }

  const AdjointScanArgs args_;  // a copy: stores cannot change it
  std::int64_t channel_ = 0;
  std::int64_t lanes_ = 0;
  AdjointTile tile_;
};

inline void adjoint_scan_any(const AdjointScanArgs& args) {
  AdjointSteps tile(args);
  for (std::int64_t t = 0; t < args.steps; t += kAdjointSteps) {
    tile.run(t, args.steps - t < kAdjointSteps ? args.steps - t : kAdjointSteps);
  }
}

}  // namespace
}  // namespace histojet::kernels
