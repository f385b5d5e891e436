#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "tokens/linear.hpp"
#include "tokens/norm.hpp"

namespace histojet::tokens {

/// Hyper-parameters of Mamba-2 (SSD), named as in mamba_ssm.
struct Mamba2Config {
  std::int64_t dim = 0;
  std::int64_t d_state = 128;
  std::int64_t d_conv = 4;  ///< at most 4
  std::int64_t expand = 2;
  std::int64_t headdim = 64;
  std::int64_t ngroups = 1;
  bool norm_before_gate = false;
  float epsilon = 1e-5F;

  std::int64_t inner() const { return expand * dim; }
  std::int64_t heads() const { return inner() / headdim; }
};

/// What a Mamba-2 mixer carries from run to run.
struct Mamba2State {
  std::vector<float> tail;  ///< [3][x, B, C]: the last inputs of the convolution
  std::vector<float> ssm;   ///< [d_state][inner rounded up to 16]
};

struct Mamba2Scratch {
  RowBuffer input, projected, mixed, delta, y, gate, narrow, out;
  std::vector<LinearScratch> linear;
};

/// The mixer of Mamba-2: one scalar decay per head, one convolution over x, B and C, gated RMSNorm. The recurrence runs
/// as a selective scan whose channels of a head share A, D and dt, so that it streams like the first Mamba's: any split
/// into runs and any number of threads give identical bits. Immutable, shared by threads.
class Mamba2Mixer {
 public:
  /// Keys: in_proj.weight [2E + 2GN + H, d], conv1d.{weight [E + 2GN, 1, K], bias}, dt_bias [H], A_log [H], D [H],
  /// norm.weight [E], out_proj.weight [d, E]. @throws Error kMissingWeight, kShapeMismatch, kUnsupportedFormat for
  /// longer convolutions, kInvalidArgument for a configuration that cannot be.
  static Mamba2Mixer load(const weights::WeightScope& scope, const Mamba2Config& config, const LayerOptions& options);

  const Mamba2Config& config() const { return config_; }
  Mamba2State start() const;
  /// out[t] += mixer(in[t]) for a run of tokens in order; rows as in MixerRun.
  void accumulate(const TokensIn& in, const TokensOut& out, std::int64_t tokens, Mamba2State& state,
                  Mamba2Scratch& scratch, int threads, const CancelToken& cancel) const;

 private:
  class Loader;
  class Run;

  Mamba2Config config_;
  LayerOptions options_;
  std::int64_t stride_ = 0;  ///< inner channels rounded up to 16
  std::int64_t mixed_ = 0;   ///< columns of x, B and C together
  Linear in_proj_;           ///< to z [stride], x [stride], B and C of each group, dt [H]
  AlignedBuffer<float> conv_weight_;
  AlignedBuffer<float> conv_bias_;
  AlignedBuffer<float> a2_;       ///< [N][stride]
  AlignedBuffer<float> d_;        ///< [stride]
  AlignedBuffer<float> dt_bias_;  ///< [stride]
  Norm norm_;
  Linear out_proj_;
};

}  // namespace histojet::tokens
