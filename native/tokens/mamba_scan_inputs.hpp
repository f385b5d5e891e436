#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tokens/mamba_mixer.hpp"

namespace histojet::tokens {

/// Some tokens of a run as the scan of one branch takes them. Rows are in the order of the sequence, steps may be
/// negative.
struct ScanInputs {
  std::int64_t first = 0;  ///< number of the first token in the run
  std::int64_t count = 0;
  const float* delta = nullptr;  ///< [count][inner], before bias and softplus
  const float* u = nullptr;      ///< [count][inner], after convolution and SiLU
  const float* z = nullptr;      ///< [count][inner]: the gate, before SiLU
  const float* b = nullptr;      ///< [count][states]
  const float* c = nullptr;      ///< [count][states]
  std::int64_t delta_step = 0;
  std::int64_t u_step = 0;
  std::int64_t z_step = 0;
  std::int64_t b_step = 0;
  std::int64_t c_step = 0;
};

/// Hands what the scan of a branch would get for a run of tokens to `take`, a few tokens at a time, in the direction's
/// order: norm, first product, convolution and projections, without scan and output. `run.out` and `run.weight` are not
/// used. Of `state` only the convolution's tail counts, as in MambaMixer::accumulate.
/// @throws Error kInvalidArgument without such a branch; Cancelled.
void scan_inputs(const MambaMixer& mixer, Direction direction, const MixerRun& run, MambaState& state,
                 MixerScratch& scratch, int threads, const CancelToken& cancel,
                 const std::function<void(const ScanInputs&)>& take);

/// What all tokens of a branch have in common; lives as long as the mixer.
struct BranchConstants {
  const float* a2 = nullptr;          ///< [states][channel_stride]: A log2(e)
  const float* d = nullptr;           ///< [inner]
  const float* delta_bias = nullptr;  ///< [inner], or null
  std::int64_t channel_stride = 0;
};
/// @throws Error kInvalidArgument without such a branch.
BranchConstants branch_constants(const MambaMixer& mixer, Direction direction);

/// Euclidean norms of the columns of the output's projection [inner], with the half of `divide_out` and layer scale:
/// how much each inner channel can move the output.
std::vector<float> output_norms(const MambaMixer& mixer);

}  // namespace histojet::tokens
