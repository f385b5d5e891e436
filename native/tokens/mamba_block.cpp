#include "tokens/mamba_block.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "tokens/mamba_tiles.hpp"

namespace histojet::tokens {

using weights::WeightScope;

MambaBlock MambaBlock::load(const WeightScope& scope, const MambaConfig& config, NormKind kind,
                            const LayerOptions& options, std::string_view norm, std::string_view mixer) {
  MambaBlock block;
  block.norm_ = Norm::load(scope.scope(norm), config.dim, kind, options);
  block.mixer_ = MambaMixer::load(scope.scope(mixer), config, options);
  return block;
}

std::int64_t MambaBlock::parameters() const {
  return norm_.parameters() + mixer_.parameters();
}

void MambaBlock::run(float* tokens, std::int64_t step, std::int64_t count, MixerScratch& scratch, int threads,
                     const CancelToken& cancel) const {
  MixerRun run{.in = {tokens, step}, .out = {tokens, step}, .tokens = count, .norm = &norm_};
  if (mixer_.config().bidirectional != Bidirectional::kNone) {
    // The second direction must see what the first one saw.
    const std::int64_t dim = mixer_.config().dim;
    std::vector<float>& residual = scratch.buffers().residual;
    residual.resize(static_cast<std::size_t>(count * dim));
    for (std::int64_t t = 0; t < count; ++t) std::copy_n(tokens + t * step, dim, residual.data() + t * dim);
    run.in = {residual.data(), dim};
  }
  mixer_.accumulate_all(run, scratch, threads, cancel);
}

MambaStack MambaStack::load(const WeightScope& scope, const MambaConfig& config, const LayerOptions& options) {
  MambaStack stack;
  const NormKind kind = Norm::stored_kind(scope.scope("layers.0.norm"));
  for (std::int64_t i = 0; i == 0 || scope.has("layers." + std::to_string(i) + ".norm.weight"); ++i) {
    stack.blocks_.push_back(MambaBlock::load(scope.scope("layers." + std::to_string(i)), config, kind, options));
  }
  stack.norm_f_ = Norm::load(scope.scope("norm_f"), config.dim, kind, options);
  return stack;
}

std::int64_t MambaStack::byte_size() const {
  std::int64_t bytes = 0;
  for (const MambaBlock& block : blocks_) bytes += block.byte_size();
  return bytes;
}

std::int64_t MambaStack::parameters() const {
  std::int64_t count = norm_f_.parameters();
  for (const MambaBlock& block : blocks_) count += block.parameters();
  return count;
}

void MambaStack::run(float* tokens, std::int64_t step, std::int64_t count, MixerScratch& scratch, int threads,
                     const CancelToken& cancel) const {
  for (const MambaBlock& block : blocks_) block.run(tokens, step, count, scratch, threads, cancel);
}

}  // namespace histojet::tokens
