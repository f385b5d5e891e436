#pragma once

#include <cstdint>
#include <vector>

#include "tokens/mamba_mixer.hpp"
#include "tokens/norm.hpp"

namespace histojet::tokens {

/// A pre-norm residual block: x += mixer(norm(x)), the residual in float32. Immutable, shared by threads.
class MambaBlock {
 public:
  /// Keys `norm.*` and `mixer.*`, or the names given. @throws Error kMissingWeight, kShapeMismatch.
  static MambaBlock load(const weights::WeightScope& scope, const MambaConfig& config, NormKind kind,
                         const LayerOptions& options, std::string_view norm = "norm", std::string_view mixer = "mixer");

  const Norm& norm() const { return norm_; }
  const MambaMixer& mixer() const { return mixer_; }
  std::int64_t byte_size() const { return mixer_.byte_size(); }
  std::int64_t parameters() const;

  /// A whole sequence of tokens in place, `step` floats apart.
  void run(float* tokens, std::int64_t step, std::int64_t count, MixerScratch& scratch, int threads,
           const CancelToken& cancel) const;

 private:
  Norm norm_;
  MambaMixer mixer_;
};

/// Blocks one after the other, then a last norm.
class MambaStack {
 public:
  /// Keys `layers.{i}.*` for each i that is there, and `norm_f.*`; shapes are those of the first mixer. The kind of the
  /// norms follows from the keys. @throws Error kMissingWeight without a first layer, kShapeMismatch.
  static MambaStack load(const weights::WeightScope& scope, const MambaConfig& config, const LayerOptions& options);

  std::int64_t depth() const { return static_cast<std::int64_t>(blocks_.size()); }
  const MambaBlock& block(std::int64_t i) const { return blocks_[static_cast<std::size_t>(i)]; }
  const Norm& norm_f() const { return norm_f_; }
  std::int64_t byte_size() const;
  std::int64_t parameters() const;

  /// All blocks in place: `tokens` becomes the residual stream in front of the last norm.
  void run(float* tokens, std::int64_t step, std::int64_t count, MixerScratch& scratch, int threads,
           const CancelToken& cancel) const;

 private:
  std::vector<MambaBlock> blocks_;
  Norm norm_f_;
};

}  // namespace histojet::tokens
