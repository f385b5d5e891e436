#pragma once

#include <cstdint>
#include <memory>

#include "base/aligned_buffer.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "tokens/linear.hpp"
#include "tokens/mamba_mixer.hpp"

namespace histojet::tokens {

/// What a branch computes token by token: convolution, then the projections to dt, B and C.
struct MambaProjections {
  std::int64_t taps = 0;             ///< of the convolution; fewer than four are padded with zeros in front
  AlignedBuffer<float> conv_weight;  ///< [taps][stride], the token itself last
  AlignedBuffer<float> conv_bias;    ///< [stride]
  Linear x_proj;                     ///< E to R + 2N
  Linear dt_proj;                    ///< R to E, without its bias
  AlignedBuffer<float> dt_bias;      ///< [stride]
  AlignedBuffer<float> dt_norm;      ///< [R], [N], [N]; null: weights of one
  AlignedBuffer<float> b_norm;
  AlignedBuffer<float> c_norm;
};

/// One direction of a mixer.
struct MambaBranch {
  std::shared_ptr<const MambaProjections> projections;  ///< kV1: shared by both directions
  AlignedBuffer<float> a2;                              ///< [N][stride]: A log2(e)
  AlignedBuffer<float> d;                               ///< [stride]
};

struct MambaMixer::Compiled {
  MambaConfig config;
  LayerOptions options;
  std::int64_t stride = 0;        ///< inner channels rounded up to 16
  Linear in_proj;                 ///< d to x [stride] and z [stride], channels beyond the inner ones zero
  Linear out_proj;                ///< E to d, with `divide_out` and `gamma` in its weights, without bias
  AlignedBuffer<float> out_bias;  ///< [d] with gamma, or null
  MambaBranch forward;
  MambaBranch backward;  ///< without projections: none
  std::int64_t parameters = 0;

  /// The state at the border of a sequence: zeros.
  MambaState start() const;
  const MambaBranch& branch(Direction direction) const { return direction == Direction::kForward ? forward : backward; }
};

}  // namespace histojet::tokens
