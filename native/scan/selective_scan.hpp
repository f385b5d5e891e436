#pragma once

#include <cstdint>

#include "scan/scan_run.hpp"

namespace histojet::scan {

/// A tensor over batch, channels and time: element (b, d, t) is data[b * batch_step + d * channel_step + t *
/// time_step]. A step of 0 repeats values. Fastest are channel_step 1 (channels-last, no copies at all) and
/// time_step 1.
struct Sequence {
  const float* data = nullptr;
  std::int64_t batch_step = 0;
  std::int64_t channel_step = 0;
  std::int64_t time_step = 0;
};

/// B or C: element (b, g, n, t) is data[b * batch_step + g * group_step + n * state_step + t * time_step], the same for
/// all channels of a group. With `per_channel` it is data[d * states + n] instead, and the steps are not looked at.
struct Factor {
  const float* data = nullptr;
  std::int64_t batch_step = 0;
  std::int64_t group_step = 0;
  std::int64_t state_step = 0;
  std::int64_t time_step = 0;
  bool per_channel = false;
};

/// One selective scan (the state-space operator of Mamba). Per batch item, channel d of group g and step t, with
/// dt = delta + delta_bias, through softplus if `delta_softplus`:
///
///     h[n] = exp(dt * A[d][n]) * h[n] + dt * u * B[g][n][t]
///     y    = sum over n of C[g][n][t] * h[n]  +  D[d] * u,    times z / (1 + e^-z) where `z` is given
///
/// Channel d belongs to group d / (channels / groups). All float32; results depend neither on the number of threads nor
/// on how a sequence is cut into calls that hand on their states, and are the same bits for every layout.
struct SelectiveScan {
  std::int64_t batch = 1;
  std::int64_t channels = 0;
  std::int64_t length = 0;  ///< 0: nothing is written but `last_state`
  std::int64_t states = 0;
  std::int64_t groups = 1;
  Sequence u;
  Sequence delta;
  Sequence z;                ///< without data: no gate
  Sequence y;                ///< `data` is not looked at
  float* y_data = nullptr;   ///< element (0, 0, 0) of y
  const float* a = nullptr;  ///< [channels][states]; negative in any model that forgets
  Factor b;
  Factor c;
  const float* d = nullptr;              ///< [channels]; null: no skip
  const float* delta_bias = nullptr;     ///< [channels]; null: 0
  const float* initial_state = nullptr;  ///< [batch][channels][states]; null: 0
  float* last_state = nullptr;           ///< [batch][channels][states], written if given; may be `initial_state`
  bool delta_softplus = false;
  bool reverse = false;  ///< from the last step to the first
};

/// Runs the scan. Memory: the states, and about 100 KiB for each thread.
/// @throws Error kInvalidArgument for sizes that make no sense or overflow, and, with its name and position, for a
/// value
///   that is not finite in A, delta_bias or delta + delta_bias; Cancelled. y is incomplete then.
void selective_scan(const SelectiveScan& scan, const ScanRun& run = {});

}  // namespace histojet::scan
