#pragma once

#include <cstdint>

#include "scan/scan_run.hpp"

namespace histojet::scan {

/// The scan of Mamba-2 (state-space duality). Per batch item, head h of group g, channel p and step t, with
/// dt = raw dt + dt_bias, through softplus if `dt_softplus`:
///
///     state[p][n] = exp(dt * A[h]) * state[p][n] + dt * x[p] * B[g][n]
///     y[p]        = sum over n of C[g][n] * state[p][n]  +  D[h] * x[p]
///
/// Head h belongs to group h / (heads / groups). Dense float32 tensors; results do not depend on the number of threads,
/// nor on how a sequence is cut into calls that hand on their states. The gate and the norm behind it are not part of
/// it.
struct SsdScan {
  std::int64_t batch = 1;
  std::int64_t length = 0;
  std::int64_t heads = 0;
  std::int64_t head_channels = 0;
  std::int64_t groups = 1;
  std::int64_t states = 0;
  const float* x = nullptr;              ///< [batch][length][heads][head_channels]
  const float* dt = nullptr;             ///< [batch][length][heads]
  const float* a = nullptr;              ///< [heads]
  const float* b = nullptr;              ///< [batch][length][groups][states]
  const float* c = nullptr;              ///< [batch][length][groups][states]
  const float* d = nullptr;              ///< [heads]; null: no skip
  const float* dt_bias = nullptr;        ///< [heads]; null: 0
  const float* initial_state = nullptr;  ///< [batch][heads][head_channels][states]; null: 0
  float* y = nullptr;                    ///< like x
  float* last_state = nullptr;           ///< like initial_state, written if given
  bool dt_softplus = false;
};

/// Runs the scan, one head at a time on each thread.
/// @throws Error kInvalidArgument for sizes that make no sense or overflow, and, with its name and position, for a
/// value
///   that is not finite in A, dt_bias or dt; Cancelled. y is incomplete then.
void ssd_scan(const SsdScan& scan, const ScanRun& run = {});

}  // namespace histojet::scan
