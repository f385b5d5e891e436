#include "explain/region_memory.hpp"

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "base/executor.hpp"

namespace histojet::explain {
namespace {

using models::RegionPass;
using models::TokenStore;
using tokens::MambaState;

/// Floats that are copied at a time.
constexpr std::int64_t kCopiedFloats = std::int64_t{1} << 18;

std::int64_t float_count(const MambaState& state) {
  return static_cast<std::int64_t>(state.tail.size() + state.ssm.size());
}

}  // namespace

SharedStore share_store(const models::PixelMambaConfig& config, const models::PixelMambaRunOptions& run,
                        std::int64_t count, bool one_memory) {
  const int all = Executor::instance().thread_count();
  const int threads = run.threads > 0 ? std::min(run.threads, all) : all;
  const bool grids = std::ranges::any_of(config.stages, [](const models::PixelMambaStage& stage) {
    return stage.scans_grid() && stage.backward_scope == models::BackwardScope::kGlobal;
  });
  if (grids) return {.side_by_side = 1, .threads = threads, .store_bytes = run.store_bytes, .kept_bytes = 0};
  const int side_by_side = static_cast<int>(std::clamp<std::int64_t>(count, 1, threads));
  const std::int64_t kept = run.store_bytes / 2;
  return {.side_by_side = side_by_side,
          .threads = std::max(1, threads / side_by_side),
          .store_bytes = (run.store_bytes - kept) / side_by_side,
          .kept_bytes = one_memory ? kept : kept / side_by_side};
}

void RegionMemory::prepare(RegionPass& pass, const TokenStore& tokens) {
  regions_ = static_cast<std::int64_t>(pass.context().source.regions().size());
  unit_ = tokens.tokens() / regions_;
  states_.clear();
  for (const MambaState& state : pass.states()) {
    states_.push_back(std::make_unique<TokenStore>(regions_, float_count(state), budget_));
  }
  tokens_ = std::make_unique<TokenStore>(tokens.tokens(), tokens.dim(), budget_);
}

void RegionMemory::keep_state(std::size_t index, std::int64_t region, const MambaState& state) {
  std::vector<float> row(state.tail);
  row.insert(row.end(), state.ssm.begin(), state.ssm.end());
  states_[index]->write(region, 1, row.data(), states_[index]->dim());
}

void RegionMemory::restore_states(std::int64_t region, std::vector<MambaState>& states) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::vector<float> row(static_cast<std::size_t>(states_[i]->dim()));
    states_[i]->read(region, 1, row.data(), states_[i]->dim());
    const auto middle = row.begin() + static_cast<std::ptrdiff_t>(states[i].tail.size());
    std::copy(row.begin(), middle, states[i].tail.begin());
    std::copy(middle, row.end(), states[i].ssm.begin());
  }
}

bool RegionMemory::same_states(std::int64_t region, const std::vector<MambaState>& states) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::vector<float> row(static_cast<std::size_t>(states_[i]->dim()));
    states_[i]->read(region, 1, row.data(), states_[i]->dim());
    const auto middle = row.begin() + static_cast<std::ptrdiff_t>(states[i].tail.size());
    if (!std::equal(row.begin(), middle, states[i].tail.begin())) return false;
    if (!std::equal(middle, row.end(), states[i].ssm.begin())) return false;
  }
  return true;
}

void RegionMemory::copy_tokens(std::int64_t first, std::int64_t last, const TokenStore& from, TokenStore& to) const {
  const std::int64_t most = std::max<std::int64_t>(1, kCopiedFloats / from.dim());
  const std::int64_t end = last * unit_;
  const auto values = make_aligned<float>(static_cast<std::size_t>(most * from.dim()));
  for (std::int64_t i = first * unit_; i < end; i += most) {
    const std::int64_t count = std::min(most, end - i);
    from.read(i, count, values.get(), from.dim());
    to.write(i, count, values.get(), from.dim());
  }
}

void KeepingRun::run(RegionPass& pass, TokenStore& tokens) {
  memory_.prepare(pass, tokens);
  pass.watch_states([this](std::size_t index, std::int64_t region, const MambaState& state) {
    memory_.keep_state(index, region, state);
  });
  pass.run();
  memory_.copy_tokens(0, memory_.regions_, tokens, *memory_.tokens_);
}

void ChangedRun::compute(std::int64_t region, RegionPass& pass) {
  if (updated_ != nullptr) {
    for (std::size_t i = 0; i < pass.states().size(); ++i) updated_->keep_state(i, region, pass.states()[i]);
  }
  pass.run_region(region, pass.context().threads);
  ++computed_;
}

void ChangedRun::run(RegionPass& pass, TokenStore& tokens) {
  pass.context().progress.begin("regions", static_cast<std::int64_t>(changed_.size()));
  const std::int64_t regions = memory_.regions_;
  std::int64_t done = 0;
  for (auto next = changed_.begin(); next != changed_.end();) {
    const std::int64_t first = *next;
    memory_.copy_tokens(done, first, *memory_.tokens_, tokens);
    memory_.restore_states(first, pass.states());
    done = first;
    do {
      if (next != changed_.end() && *next == done) ++next;
      compute(done++, pass);
    } while (done < regions &&
             ((next != changed_.end() && *next == done) || !memory_.same_states(done, pass.states())));
    if (updated_ != nullptr) updated_->copy_tokens(first, done, tokens, *updated_->tokens_);
  }
  memory_.copy_tokens(done, regions, *memory_.tokens_, tokens);
}

}  // namespace histojet::explain
