#pragma once

#include <cstdint>

#include "kernels/selective_scan/decay_vector.hpp"
#include "kernels/selective_scan/selective_scan.hpp"
#include "kernels/vector/partial.hpp"

namespace histojet::kernels {
namespace {

// Steps whose dt, dt * u and sums lie in L1 between the three passes. In one pass the long chain softplus - exponential
// - sum would not fit the CPU's window of instructions.
constexpr std::int64_t kTileSteps = 32;

struct alignas(64) ScanTile {
  float dt[kTileSteps][kLanes];
  float du[kTileSteps][kLanes];
  float sum[kTileSteps][kLanes];
};

/// Asks for a line of what the next tile reads: the runs of memory are too many, or too far apart, for the CPU to see a
/// pattern. Addresses beyond the sequence do no harm.
inline void ask(const StepsAhead& lines, std::int64_t step) {
  __builtin_prefetch(lines.first + (step & 15) * lines.near_step + (step >> 4) * lines.far_step);
}

/// One vector of channels: what surrounds the recurrence of a scan.
class ScanRows {
 public:
  ScanRows(const SelectiveScanArgs& args, std::int64_t channel)
      : args_(args),
        channel_(channel),
        lanes_(args.channels - channel < kLanes ? args.channels - channel : kLanes),
        whole_(lanes_ == kLanes),
        stream_(args.stream && whole_ && on_vector(args.y + channel) && args.y_step % kLanes == 0) {}

 protected:
  /// Calls advance(t, steps) for each tile, between what comes before and after it.
  template <class Advance>
  void run_tiles(const Advance& advance) {
    for (std::int64_t t = 0; t < args_.steps; t += kTileSteps) {
      const std::int64_t steps = args_.steps - t < kTileSteps ? args_.steps - t : kTileSteps;
      if (args_.delta_softplus) {
        prepare<true>(t, steps);
      } else {
        prepare<false>(t, steps);
      }
      advance(t, steps);
      finish(t, steps);
    }
    if (args_.delta_broken != nullptr && any_nan(broken_, lanes_)) *args_.delta_broken = true;
  }

  const SelectiveScanArgs args_;  // a copy: stores cannot change it
  const std::int64_t channel_;
  ScanTile tile_;

 private:
  Floats read(const float* from) const { return whole_ ? load(from) : load_first(from, lanes_); }
  Floats read_or_zero(const float* row) const { return row == nullptr ? all(0.0f) : read(row + channel_); }

  /// What the caller says of the next tile, else the same channels' next steps.
  StepsAhead ahead(int which, const float* row, std::int64_t step) const {
    if (args_.ahead != nullptr) return args_.ahead[which];
    return {row + kTileSteps * step, step, 16 * step};
  }

  /// dt and dt * u of each step.
  template <bool Softplus>
  void prepare(std::int64_t t, std::int64_t steps) {
    const float* u = args_.u + t * args_.u_step + channel_;
    const float* delta = args_.delta + t * args_.delta_step + channel_;
    const Floats bias = read_or_zero(args_.delta_bias);
    const StepsAhead next_u = ahead(0, u, args_.u_step), next_delta = ahead(1, delta, args_.delta_step);
    Floats broken = broken_;
    for (std::int64_t i = 0; i < steps; ++i, u += args_.u_step, delta += args_.delta_step) {
      ask(next_u, i);
      ask(next_delta, i);
      const Floats raw = read(delta) + bias;
      broken = fma(raw, all(0.0f), broken);  // NaN once and for ever unless finite
      const Floats dt = Softplus ? fast_softplus(raw) : raw;
      store(tile_.dt[i], dt);
      store(tile_.du[i], dt * read(u));
    }
    broken_ = broken;
  }

  /// The skip, what another scan gave, and the gate.
  void finish(std::int64_t t, std::int64_t steps) {
    const float* u = args_.u + t * args_.u_step + channel_;
    const float* z = args_.z == nullptr ? nullptr : args_.z + t * args_.z_step + channel_;
    const float* addend = args_.addend == nullptr ? nullptr : args_.addend + t * args_.addend_step + channel_;
    float* y = args_.y + t * args_.y_step + channel_;
    const StepsAhead next_z = z == nullptr ? StepsAhead{} : ahead(2, z, args_.z_step);
    const Floats d = read_or_zero(args_.d);
    for (std::int64_t i = 0; i < steps; ++i, u += args_.u_step, y += args_.y_step) {
      Floats value = load(tile_.sum[i]);
      if (args_.d != nullptr) value = fma(d, read(u), value);
      if (addend != nullptr) {
        value = value + read(addend);
        addend += args_.addend_step;
      }
      if (z != nullptr) {
        ask(next_z, i);
        value = value * gate(read(z));
        z += args_.z_step;
      }
      write(y, value);
    }
  }

  void write(float* y, Floats value) const {
    if (stream_) {
      stream(y, value);
    } else if (whole_) {
      store(y, value);
    } else {
      store_first(y, lanes_, value);
    }
  }

  const std::int64_t lanes_;
  const bool whole_;
  const bool stream_;
  Floats broken_ = all(0.0f);
};

}  // namespace
}  // namespace histojet::kernels
