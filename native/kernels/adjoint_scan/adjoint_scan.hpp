#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Weighted column sums of the hidden attention of a selective scan (Ali, Zimerman and Wolf, arXiv 2403.01590), one run
/// of steps of neighbouring channels. The scan's output is y[i] = sum over j of alpha[i][j] u[j] + d u[i] with
///
///     alpha[i][j] = sum over n of c[i][n] 2^(a2[n] (dt[j+1] + … + dt[i])) dt[j] b[j][n]      for j <= i, else 0.
///
/// The sums over i of w[i] alpha[i][j] with w = weight importance need no matrix, but one pass from the last step to
/// the first:
///
///     g[n]       = g[n] + w[j] c[j][n]
///     column[j]  = (dt[j] (sum over n of g[n] b[j][n]) + d w[j]) value[j]
///     g[n]       = 2^(dt[j] a2[n]) g[n]
///
/// Steps are taken in the order of the arguments, so that rows are given from the scan's last step on, with negative
/// `*_step`s (floats from one row to the next). In float32; the scalar variant takes exponentials, softplus and sums in
/// double precision. Splitting a run into calls, in any way, gives identical bits. With |b| and |c| the sums are those
/// of the absolute terms, an upper bound of what the signed ones can be.
struct AdjointScanArgs {
  const float* delta;
  const float* b;       ///< [steps][states]
  const float* c;       ///< [steps][states]
  const float* weight;  ///< [steps]
  std::int64_t delta_step;
  std::int64_t b_step;
  std::int64_t c_step;
  std::int64_t weight_step;
  const float* importance = nullptr;  ///< [steps][channels], a factor of each channel; null: 1
  std::int64_t importance_step = 0;
  const float* value = nullptr;  ///< [steps][channels], a factor of each column; null: 1
  std::int64_t value_step = 0;
  const float* a2;                    ///< [states][channel_stride]: A * log2(e)
  std::int64_t channel_stride;        ///< channels rounded up to 16; floats between rows of `a2` and of `state`
  const float* delta_bias = nullptr;  ///< [channels]; null: 0
  const float* d = nullptr;           ///< [channels]: what a step adds to itself; null: 0
  float* state;                       ///< [states][channel_stride]: g, read and written (carried between calls)
  float* sum = nullptr;               ///< [steps]: columns summed over the channels
  std::int64_t sum_step = 0;
  float* columns = nullptr;  ///< [steps][channels]: columns by themselves; null: not wanted
  std::int64_t columns_step = 0;
  std::int64_t steps;
  std::int64_t channels;
  std::int64_t states;
  bool delta_softplus = true;
};

extern const KernelTable<AdjointScanArgs> kAdjointScan;

namespace scalar {
void adjoint_scan(const AdjointScanArgs& args);
}
namespace avx2 {
void adjoint_scan(const AdjointScanArgs& args);
}
namespace avx512 {
void adjoint_scan(const AdjointScanArgs& args);
}
namespace avx512bf16 {
void adjoint_scan(const AdjointScanArgs& args);
}

}  // namespace histojet::kernels
