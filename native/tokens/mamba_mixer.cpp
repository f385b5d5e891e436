#include "tokens/mamba_mixer.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "kernels/add_rows/add_rows.hpp"
#include "tokens/mamba_compiled.hpp"
#include "tokens/mamba_tiles.hpp"

namespace histojet::tokens {
namespace {

void check_state(const MambaConfig& config, const MambaState& state) {
  if (state.inner == config.inner() && state.d_conv == config.d_conv && state.d_state == config.d_state) return;
  throw Error(ErrorCode::kInvalidArgument,
              "mamba mixer: the state is of another mixer (" + std::to_string(state.inner) + " channels, " +
                  std::to_string(state.d_conv) + " taps, " + std::to_string(state.d_state) + " states; expected " +
                  std::to_string(config.inner()) + ", " + std::to_string(config.d_conv) + ", " +
                  std::to_string(config.d_state) + ")");
}

}  // namespace

MixerScratch::MixerScratch() : buffers_(std::make_unique<Buffers>()) {}
MixerScratch::~MixerScratch() = default;
MixerScratch::MixerScratch(MixerScratch&&) noexcept = default;
MixerScratch& MixerScratch::operator=(MixerScratch&&) noexcept = default;

std::int64_t MixerScratch::byte_size() const {
  return buffers_->byte_size();
}

const MambaConfig& MambaMixer::config() const {
  return compiled_->config;
}

Precision MambaMixer::precision() const {
  return used_precision(compiled_->options);
}

std::int64_t MambaMixer::parameters() const {
  return compiled_->parameters;
}

std::int64_t MambaMixer::scan_step() const {
  return compiled_->stride;
}

std::int64_t MambaMixer::byte_size() const {
  const auto projections = [](const MambaProjections& part) {
    return part.x_proj.byte_size() + part.dt_proj.byte_size();
  };
  std::int64_t bytes = compiled_->in_proj.byte_size() + compiled_->out_proj.byte_size();
  bytes += projections(*compiled_->forward.projections);
  const auto& backward = compiled_->backward.projections;
  return bytes + (backward && backward != compiled_->forward.projections ? projections(*backward) : 0);
}

MambaState MambaMixer::Compiled::start() const {
  MambaState state{
      .inner = config.inner(), .d_conv = config.d_conv, .d_state = config.d_state, .channel_stride = stride};
  state.tail.resize(static_cast<std::size_t>(state.tail_rows() * stride));
  state.ssm.resize(static_cast<std::size_t>(config.d_state * stride));
  return state;
}

MambaState MambaMixer::start(Direction) const {
  return compiled_->start();
}

void MambaMixer::accumulate(Direction direction, const MixerRun& run, MambaState& state, MixerScratch& scratch,
                            int threads, const CancelToken& cancel) const {
  if (!compiled_->branch(direction).projections) {
    throw Error(ErrorCode::kInvalidArgument, "mamba mixer: it has no backward branch");
  }
  check_state(compiled_->config, state);
  if (run.part != Part::kAlone && run.scanned == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "mamba mixer: directions that share their output need `scanned`");
  }
  run_mixer(*compiled_, direction, run, state, scratch.buffers(), resolved_threads(threads), cancel);
}

void MambaMixer::accumulate_all(const MixerRun& run, MixerScratch& scratch, int threads,
                                const CancelToken& cancel) const {
  threads = resolved_threads(threads);
  const bool bidirectional = compiled_->config.bidirectional != Bidirectional::kNone;
  MixerScratch::Buffers& buffers = scratch.buffers();
  if (bidirectional && run_both_directions(*compiled_, run, buffers, threads, cancel)) return;
  MambaState forward = start(Direction::kForward);
  if (!bidirectional || threads == 1) {
    run_mixer(*compiled_, Direction::kForward, run, forward, buffers, threads, cancel);
    if (!bidirectional) return;
    MambaState backward = start(Direction::kBackward);
    run_mixer(*compiled_, Direction::kBackward, run, backward, buffers, threads, cancel);
    return;
  }
  // Sums of both directions must not depend on which is first: the backward one waits in memory of its own.
  const std::int64_t dim = compiled_->config.dim;
  std::vector<float>& waiting = buffers.waiting;
  waiting.assign(static_cast<std::size_t>(run.tokens * dim), 0.0F);
  MixerRun beside = run;
  beside.out = {waiting.data(), dim};
  beside.weight = 1;
  Executor::instance().parallel_for(2, 2, [&](std::int64_t i) {
    if (i == 0) {
      run_mixer(*compiled_, Direction::kForward, run, forward, buffers, (threads + 1) / 2, cancel);
    } else {
      MambaState backward = start(Direction::kBackward);
      run_mixer(*compiled_, Direction::kBackward, beside, backward, buffers.beside(), threads / 2, cancel);
    }
  });
  const auto add = kernels::kAddRow.pick(compiled_->options.isa);
  for (std::int64_t t = 0; t < run.tokens; ++t) {
    float* token = run.out.token(t);
    if (token != nullptr) add({.in = waiting.data() + t * dim, .out = token, .count = dim, .weight = run.weight});
  }
}

void MambaMixer::forward(const MixerRun& run, MixerScratch& scratch, int threads, const CancelToken& cancel) const {
  for (std::int64_t t = 0; t < run.tokens; ++t) {
    float* token = run.out.token(t);
    if (token != nullptr) std::fill_n(token, compiled_->config.dim, 0.0F);
  }
  accumulate_all(run, scratch, threads, cancel);
}

}  // namespace histojet::tokens
