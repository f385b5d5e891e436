#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/cancel.hpp"
#include "tokens/layer_options.hpp"
#include "tokens/norm.hpp"
#include "tokens/token_rows.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {

/// How a mixer looks at the sequence (Vim's `bimamba_type`).
enum class Bidirectional {
  kNone,  ///< forward only
  kV1,    ///< the backward scan shares everything but A (`A_b_log`); the convolution stays causal forward
  kV2,    ///< the backward branch has a convolution, projections, A and D of its own (`conv1d_b`, …)
};

enum class Direction { kForward, kBackward };

/// Hyper-parameters, named as in mamba_ssm and Vim. Biases are taken as the checkpoint has them.
struct MambaConfig {
  std::int64_t dim = 0;
  std::int64_t d_state = 16;
  std::int64_t d_conv = 4;
  std::int64_t expand = 2;
  std::int64_t dt_rank = 0;  ///< 0: dim / 16 rounded up
  Bidirectional bidirectional = Bidirectional::kNone;
  bool divide_out = false;  ///< Vim's `if_divide_out`: the sum of both directions is halved
  /// Epsilon of the norms of dt, B and C (falcon-mamba without weights; Jamba's `dt_layernorm.weight`, …).
  bool b_c_dt_rms = false;
  float b_c_dt_epsilon = 1e-6F;

  std::int64_t inner() const { return expand * dim; }
  std::int64_t rank() const { return dt_rank > 0 ? dt_rank : (dim + 15) / 16; }
};

/// The configuration that the shapes of `scope` tell (dim, d_state, d_conv, expand, dt_rank, bidirectional);
/// `divide_out` is told by no shape. @throws Error kMissingWeight, kShapeMismatch for shapes that are no mixer's.
MambaConfig mamba_config(const weights::WeightScope& scope);

/// What one direction of one mixer carries from run to run. Copyable, so that a run can be taken up again.
struct MambaState {
  std::int64_t inner = 0;
  std::int64_t d_conv = 0;
  std::int64_t d_state = 0;
  std::int64_t channel_stride = 0;  ///< `inner` rounded up to 16
  /// [tail_rows()][channel_stride]: the last inputs of the convolution, the latest last; zeros before the first token.
  std::vector<float> tail;
  std::vector<float> ssm;  ///< [d_state][channel_stride]

  /// Rows kept: `d_conv`, at least 4.
  std::int64_t tail_rows() const { return d_conv > 4 ? d_conv : 4; }
  /// Reference layouts: `conv_state` [inner][d_conv] and `ssm_state` [inner][d_state].
  std::vector<float> conv_state() const;
  std::vector<float> ssm_state() const;
  /// From the reference layouts. @throws Error kShapeMismatch.
  void set(const std::vector<float>& conv_state, const std::vector<float>& ssm_state);
};

/// Memory that mixers work in, one run at a time; grows to what the largest of them needs (about 1 MiB per thread) and
/// is kept. Not shared by threads.
class MixerScratch {
 public:
  MixerScratch();
  ~MixerScratch();
  MixerScratch(MixerScratch&&) noexcept;
  MixerScratch& operator=(MixerScratch&&) noexcept;

  struct Buffers;
  Buffers& buffers() { return *buffers_; }
  std::int64_t byte_size() const;

 private:
  std::unique_ptr<Buffers> buffers_;
};

/// What a direction does with the results of its scan.
enum class Part {
  kAlone,   ///< its share of the output: gate and last product
  kFirst,   ///< leaves them in `scanned` for the other direction
  kSecond,  ///< adds what the other direction left in `scanned`; gate and last product are those of both
};

/// One run of tokens through one direction of a mixer.
struct MixerRun {
  /// `dim` floats per token, nothing beyond them is read. Missing tokens are zeros behind the first product.
  TokensIn in;
  TokensOut out;  ///< `dim` floats per token, nothing beyond them is touched
  std::int64_t tokens = 0;
  /// kV1 backward only: how many tokens of the sequence lie before `in`'s first and can be read there (at -1, -2, …; at
  /// least d_conv - 1 of them, or all there are). The convolution of the run's first tokens looks at them.
  std::int64_t tokens_before = 0;
  /// Normalisation of each token on its way in (pre-norm residual blocks); null: none.
  const Norm* norm = nullptr;
  float weight = 1;
  /// Tokens have room for a multiple of 16 floats: what lies beyond `dim` may be read, and in `out` written.
  bool padded = false;
  Part part = Part::kAlone;
  /// Not with kAlone: MambaMixer::scan_step() floats for each token, in the order of the sequence.
  float* scanned = nullptr;
};

/// A selective state-space mixer (Mamba, Vim's bidirectional forms) with its weights packed. Immutable, shared by
/// threads; copies share their weights.
///
/// Tokens stream through it: state is carried from run to run, any split of a sequence into runs gives identical bits,
/// and so does any number of threads.
class MambaMixer {
 public:
  MambaMixer() = default;
  /// Keys of state-spaces/mamba and hustvl/Vim: in_proj.weight [2E, d], conv1d.{weight [E, 1, K], bias}, x_proj.weight
  /// [R + 2N, E], dt_proj.{weight [E, R], bias}, A_log [E, N], D [E], out_proj.weight [d, E]; for kV1 A_b_log; for kV2
  /// conv1d_b, x_proj_b, dt_proj_b, A_b_log, D_b. Optional: in_proj.bias, conv1d.bias, out_proj.bias, gamma [d].
  /// @throws Error kMissingWeight, kShapeMismatch naming the key and both shapes, kInvalidArgument for a configuration
  /// that cannot be.
  static MambaMixer load(const weights::WeightScope& scope, const MambaConfig& config, const LayerOptions& options);

  const MambaConfig& config() const;
  Precision precision() const;
  std::int64_t byte_size() const;   ///< of the packed weights
  std::int64_t parameters() const;  ///< values in the checkpoint
  /// Floats of a token in MixerRun::scanned: the inner channels rounded up to 16.
  std::int64_t scan_step() const;

  /// The state before the first token (kForward) or after the last one (kBackward): zeros.
  MambaState start(Direction direction) const;

  /// out[t] += weight * gamma * (out_proj(gated scan of this direction's branch over in[t]) * (divide_out ? 1/2 : 1) +
  /// bias), for a run in the order of the sequence. The bias belongs to kForward alone: both directions together are
  /// the mixer. kBackward takes the run from its last token to its first; successive calls go from the sequence's end
  /// to its start. `out` may be `in` (a residual) when only one direction is used.
  ///
  /// Instead of one sum for each direction, both can share the gate and the last product: the runs of the one with
  /// Part::kFirst, then those of the other, cut in any way, with Part::kSecond. That is the mixer with less work, equal
  /// to the sum up to rounding, and `out` may be `in`.
  /// @throws Error kInvalidArgument for kBackward without a backward branch or a state of another form, Cancelled (the
  /// state and `out` are then somewhere in between).
  void accumulate(Direction direction, const MixerRun& run, MambaState& state, MixerScratch& scratch, int threads,
                  const CancelToken& cancel) const;

  /// A whole sequence from zero states through all directions, added to `out`, which must not be `in` when there are
  /// two. Short sequences go through the first and the last product once for both directions; in long ones the
  /// directions run side by side when there are threads for both. Bit-identical for any number of threads; equal to
  /// `accumulate` of both directions up to rounding.
  void accumulate_all(const MixerRun& run, MixerScratch& scratch, int threads, const CancelToken& cancel) const;

  /// out = mixer(in) for a whole sequence.
  void forward(const MixerRun& run, MixerScratch& scratch, int threads, const CancelToken& cancel) const;

  /// Packed weights and compiled branches, for the layers of this folder.
  struct Compiled;
  const Compiled& compiled() const { return *compiled_; }

 private:
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace histojet::tokens
