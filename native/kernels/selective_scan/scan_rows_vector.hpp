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

/// One vector of channels: what surrounds the recurrence of a scan.
class ScanRows {
 public:
  ScanRows(const SelectiveScanArgs& args, std::int64_t channel)
      : args_(args),
        channel_(channel),
        lanes_(args.channels - channel < kLanes ? args.channels - channel : kLanes),
        whole_(lanes_ == kLanes),
        stream_(args.stream && whole_ && on_vector(args.y + channel) && args.y_step % kLanes == 0),
        largest_rate_(largest_rate()) {}

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
      look_ahead(t, steps);
      advance(t, steps);
      finish(t, steps);
    }
    if (args_.delta_broken != nullptr && any_nan(broken_, lanes_)) *args_.delta_broken = true;
  }

  /// Whether the products of this tile's dt with the rates need the slower form of `decay`.
  bool far() const { return max_of_lanes(reach_) > kFarExponent; }

  /// Asks for what comes after this tile; addresses beyond the sequence do no harm.
  void ask(std::int64_t step) const {
    for (int i = 0; i < ahead_count_; ++i) {
      const LinesAhead& lines = ahead_[i];
      __builtin_prefetch(lines.first + (step & 15) * lines.near_step + (step >> 4) * lines.far_step);
    }
  }

  const SelectiveScanArgs args_;  // a copy: stores cannot change it
  const std::int64_t channel_;
  ScanTile tile_;

 private:
  Floats read(const float* from) const { return whole_ ? load(from) : load_first(from, lanes_); }
  Floats read_or_zero(const float* row) const { return row == nullptr ? all(0.0f) : read(row + channel_); }

  Floats largest_rate() const {
    Floats largest = all(0.0f);
    for (std::int64_t n = 0; n < args_.states; ++n) {
      largest = max(largest, absolute(load(args_.a2 + n * args_.channel_stride + channel_)));
    }
    return largest;
  }

  /// The next tile is that of the same channels, then of the next ones, then of the first channels in the next call.
  void look_ahead(std::int64_t t, std::int64_t steps) {
    if (args_.announced) {
      ahead_count_ = 0;
      for (const LinesAhead& lines : args_.ahead) {
        if (lines.first != nullptr) ahead_[ahead_count_++] = lines;
      }
      return;
    }
    const bool same_channels = t + steps < args_.steps, more_channels = channel_ + kLanes < args_.channels;
    const std::int64_t channel = same_channels ? channel_ : (more_channels ? channel_ + kLanes : 0);
    const std::int64_t next = same_channels || !more_channels ? t + steps : 0;
    const auto rows = [&](const float* data, std::int64_t step) {
      return LinesAhead{data + next * step + channel, step, 16 * step};
    };
    ahead_[0] = rows(args_.u, args_.u_step);
    ahead_[1] = rows(args_.delta, args_.delta_step);
    ahead_count_ = 2;
    if (args_.z != nullptr) ahead_[ahead_count_++] = rows(args_.z, args_.z_step);
  }

  /// dt and dt * u of each step.
  template <bool Softplus>
  void prepare(std::int64_t t, std::int64_t steps) {
    const float* u = args_.u + t * args_.u_step + channel_;
    const float* delta = args_.delta + t * args_.delta_step + channel_;
    const Floats bias = read_or_zero(args_.delta_bias);
    Floats broken = broken_, longest = all(0.0f);
    for (std::int64_t i = 0; i < steps; ++i, u += args_.u_step, delta += args_.delta_step) {
      const Floats raw = read(delta) + bias;
      broken = fma(raw, all(0.0f), broken);  // NaN once and for ever unless finite
      const Floats dt = Softplus ? fast_softplus(raw) : raw;
      longest = max(longest, absolute(dt));
      store(tile_.dt[i], dt);
      store(tile_.du[i], dt * read(u));
    }
    broken_ = broken;
    reach_ = longest * largest_rate_;
  }

  /// The skip and the gate.
  void finish(std::int64_t t, std::int64_t steps) {
    const float* u = args_.u + t * args_.u_step + channel_;
    const float* z = args_.z == nullptr ? nullptr : args_.z + t * args_.z_step + channel_;
    float* y = args_.y + t * args_.y_step + channel_;
    const Floats d = read_or_zero(args_.d);
    for (std::int64_t i = 0; i < steps; ++i, u += args_.u_step, y += args_.y_step) {
      Floats value = load(tile_.sum[i]);
      if (args_.d != nullptr) value = fma(d, read(u), value);
      if (z != nullptr) {
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
  const Floats largest_rate_;
  Floats broken_ = all(0.0f);
  Floats reach_ = all(0.0f);
  LinesAhead ahead_[3];
  int ahead_count_ = 0;
};

}  // namespace
}  // namespace histojet::kernels
