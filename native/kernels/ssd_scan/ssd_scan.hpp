#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// One run of time steps of one head of Mamba-2 (state-space duality): like a selective scan, but with one decay for
/// all channels and states of the head. With dt through softplus if asked for:
///
///     h[n] = 2^(dt * a2) * h[n] + dt * x * b[n]      per channel and step
///     y    = sum over n of c[n] * h[n]  +  d * x
///
/// in float32, the sum over n in a fixed order; the scalar variant sums in double precision. Rows are as in
/// SelectiveScanArgs: at least `channels` floats, `*_step` floats apart, bits independent of how a run is cut.
struct SsdScanArgs {
  const float* x;
  const float* dt;  ///< one per step, `dt_step` floats apart
  const float* b;   ///< [steps][states]
  const float* c;   ///< [steps][states]
  float* y;
  std::int64_t x_step;
  std::int64_t dt_step;
  std::int64_t b_step;
  std::int64_t c_step;
  std::int64_t y_step;
  float a2;  ///< A * log2(e)
  float d = 0;
  float dt_bias = 0;
  bool dt_softplus = false;
  float* state;                 ///< [states][channel_stride], read and written
  std::int64_t channel_stride;  ///< channels rounded up to 16
  std::int64_t steps;
  std::int64_t channels;
  std::int64_t states;
  bool* dt_broken = nullptr;  ///< if given, set to true when some dt + dt_bias is not finite; else left alone
};

extern const KernelTable<SsdScanArgs> kSsdScan;

namespace scalar {
void ssd_scan(const SsdScanArgs& args);
}
namespace avx2 {
void ssd_scan(const SsdScanArgs& args);
}
namespace avx512 {
void ssd_scan(const SsdScanArgs& args);
}

}  // namespace histojet::kernels
