#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Memory that a later call will read: 32 lines, the first 16 `near_step` floats apart, the others likewise from
/// `first + far_step` on. The kernel asks for them one by one while it computes; all at once they would stop it.
struct StepsAhead {
  const float* first = nullptr;
  std::int64_t near_step = 0;
  std::int64_t far_step = 0;
};

constexpr int kMostAhead = 3;  // u, delta, z

/// One run of time steps of neighbouring channels (channels-last) of a selective state-space scan (Mamba, 2023). With
/// dt = delta + delta_bias, through softplus if asked for:
///
///     h[n] = 2^(dt * a2[n]) * h[n] + dt * u * b[n]          per channel and step
///     y    = (sum over n of c[n] * h[n]  +  d * u  +  addend) * z / (1 + e^-z)
///
/// in float32, the sum over n in a fixed order; addend and gate only where `addend` and `z` are given. The scalar
/// variant takes exponentials, softplus and sums in double precision. A decay that underflows is 0. A value that is not
/// finite stays in its channel.
///
/// Rows of u, delta, z and y hold at least `channels` floats (nothing behind them is touched) and lie `*_step` floats
/// apart; a negative step goes back in time. Splitting a run into calls, in any way, gives identical bits; so does
/// splitting channels at multiples of 16. `y` may be `u`, `delta`, `z` or `addend` only if all its rows are.
struct SelectiveScanArgs {
  const float* u;
  const float* delta;
  const float* z = nullptr;  ///< null: no gate
  const float* b;            ///< [steps][states], rows `b_step` apart; or, per channel, [states][channel_stride]
  const float* c;            ///< likewise
  float* y;
  std::int64_t u_step;
  std::int64_t delta_step;
  std::int64_t z_step = 0;
  std::int64_t b_step;
  std::int64_t c_step;
  std::int64_t y_step;
  bool b_per_channel = false;         ///< b does not change with time but with the channel
  bool c_per_channel = false;         ///< likewise
  const float* a2;                    ///< [states][channel_stride]: A * log2(e)
  std::int64_t channel_stride;        ///< channels rounded up to 16; floats between rows of `a2` and of `state`
  const float* d = nullptr;           ///< [channels]; null: 0
  const float* delta_bias = nullptr;  ///< [channels]; null: 0
  const float* addend = nullptr;      ///< rows like those of y, such as another scan's results; null: 0
  std::int64_t addend_step = 0;
  float* state;  ///< [states][channel_stride], read and written (carried between calls)
  std::int64_t steps;
  std::int64_t channels;
  std::int64_t states;
  bool delta_softplus = true;
  bool stream = false;                ///< write y past the caches, where its rows lie on 64-byte boundaries
  const StepsAhead* ahead = nullptr;  ///< of u, delta and z; null: the same channels' next steps
  bool* delta_broken = nullptr;  ///< if given, set to true when some delta + delta_bias is not finite; else left alone
};

extern const KernelTable<SelectiveScanArgs> kSelectiveScan;

namespace scalar {
void selective_scan(const SelectiveScanArgs& args);
}
namespace avx2 {
void selective_scan(const SelectiveScanArgs& args);
}
namespace avx512 {
void selective_scan(const SelectiveScanArgs& args);
}
namespace avx512bf16 {
void selective_scan(const SelectiveScanArgs& args);
}

}  // namespace histojet::kernels
