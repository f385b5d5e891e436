#include "models/pixel_mamba/region_pass.hpp"

#include <algorithm>
#include <chrono>

#include "base/executor.hpp"

namespace histojet::models {
namespace {

/// How often a region that waits for its turn looks whether the run is cancelled.
constexpr auto kPatience = std::chrono::milliseconds(50);

}  // namespace

void Turnstile::enter(std::size_t step, std::int64_t region, const CancelToken& cancel) {
  std::unique_lock lock(mutex_);
  while (next_[step] != region) {
    if (failure_ || cancel.cancelled()) throw Cancelled{};
    moved_.wait_for(lock, kPatience);
  }
}

void Turnstile::leave(std::size_t step) {
  {
    std::lock_guard lock(mutex_);
    ++next_[step];
  }
  moved_.notify_all();
}

void Turnstile::start_at(std::int64_t region) {
  std::lock_guard lock(mutex_);
  std::ranges::fill(next_, region);
}

void Turnstile::fail(std::exception_ptr failure) {
  {
    std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
  }
  moved_.notify_all();
}

void Turnstile::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

RegionPass::RegionPass(RunContext& context, std::size_t first, std::size_t last, Input from, Output output)
    : context_(context), first_(first), last_(last), from_(from), output_(output) {
  first_step_.resize(last + 1);
  grids_.resize(last + 1);
  for (std::size_t s = first; s <= last; ++s) {
    first_step_[s] = states_.size();
    if (s == last && output.before_blocks) break;
    if (context.config().stages[s].scans_grid()) {  // grids of regions hand nothing on
      grids_[s] = RegionGrid(context.network.stages[s].form);
      continue;
    }
    for (const PixelBlock& block : context.network.stages[s].blocks) {
      states_.push_back(block.mixer.start(tokens::Direction::kForward));
    }
  }
  turnstile_ = std::make_unique<Turnstile>(states_.size() + 1);
}

std::unique_ptr<RegionPass::Workspace> RegionPass::take_workspace() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  const PixelMambaConfig& config = context_.config();
  std::int64_t floats = 0;  // of either buffer: they change places from stage to stage
  for (std::size_t s = from_.store == nullptr ? first_ : first_ - 1; s <= last_; ++s) {
    floats = std::max(floats, context_.unit_tokens(s) * token_step(config.stages[s].dim));
    const bool both = grids_[s].empty() && config.stages[s].bidirectional != tokens::Bidirectional::kNone;
    if (both && s >= first_ && !(s == last_ && output_.before_blocks) && config.stages[s].depth > 0) {
      const std::int64_t step = context_.network.stages[s].blocks[0].mixer.scan_step();
      floats = std::max(floats, context_.unit_tokens(s) * step);
    }
  }
  auto workspace = std::make_unique<Workspace>();
  if (from_.store == nullptr) {
    workspace->pixels =
        make_aligned<float>(static_cast<std::size_t>(3 * config.region_size_px * config.region_size_px));
  }
  workspace->tokens = make_aligned<float>(static_cast<std::size_t>(floats));
  workspace->other = make_aligned<float>(static_cast<std::size_t>(floats));
  return workspace;
}

void RegionPass::run() {
  const auto count = static_cast<std::int64_t>(context_.source.regions().size());
  context_.progress.begin(from_.store == nullptr ? "regions" : "stage " + std::to_string(first_), count);
  // Few regions leave threads without one; blocks then use several.
  const int side_by_side = static_cast<int>(std::clamp<std::int64_t>(count, 1, context_.threads));
  const int threads = std::max(1, context_.threads / side_by_side);
  try {
    Executor::instance().parallel_for(count, side_by_side, [&](std::int64_t region) {
      try {
        auto workspace = take_workspace();
        work(region, *workspace, threads);
        std::lock_guard lock(mutex_);
        idle_.push_back(std::move(workspace));
      } catch (...) {
        turnstile_->fail(std::current_exception());
        throw;
      }
    });
  } catch (...) {
    turnstile_->rethrow();
    throw;
  }
}

void RegionPass::run_region(std::int64_t region, int threads) {
  turnstile_->start_at(region);
  auto workspace = take_workspace();
  work(region, *workspace, threads);
  idle_.push_back(std::move(workspace));
}

void RegionPass::work(std::int64_t region, Workspace& workspace, int threads) {
  context_.cancel.throw_if_cancelled();
  begin(region, workspace, threads);
  for (std::size_t s = first_; s <= last_; ++s) {
    if (s == last_ && output_.before_blocks) break;
    run_stage(s, region, workspace, threads);
    if (s < last_) merge(s, region, workspace, threads);
  }
  finish(region, workspace);
  context_.progress.advance(1);
}

void RegionPass::begin(std::int64_t region, Workspace& workspace, int threads) {
  if (from_.store != nullptr) {
    const std::int64_t count = context_.unit_tokens(first_ - 1);
    from_.store->read(region * count, count, workspace.tokens.get(), token_step(from_.store->dim()));
    if (from_.sizes != nullptr) read_sizes(*from_.sizes, context_, first_ - 1, region, workspace.sizes);
    return merge(first_ - 1, region, workspace, threads);
  }
  const tokens::GridCell cell = context_.source.regions()[static_cast<std::size_t>(region)];
  context_.source.read(region, workspace.pixels.get(), context_.cancel);
  context_.network.stem.run(workspace.pixels.get(), workspace.tokens.get(), workspace.scratch);
  context_.network.stages[0].enter(cell, workspace.tokens.get());
  if (context_.config().merge == MergeKind::kTome) workspace.sizes = first_sizes(context_, cell);
}

void RegionPass::merge(std::size_t stage, std::int64_t region, Workspace& workspace, int threads) {
  const PixelStage& layers = context_.network.stages[stage];
  if (layers.similarity.empty()) {
    layers.merge.run(workspace.tokens.get(), layers.merge_sources, workspace.other.get(), workspace.scratch);
  } else {
    layers.similarity.run(workspace.tokens.get(), workspace.sizes, workspace.other.get(), workspace.scratch.similarity,
                          workspace.scratch.linear, threads, context_.cancel);
  }
  std::swap(workspace.tokens, workspace.other);
  context_.network.stages[stage + 1].enter(context_.source.regions()[static_cast<std::size_t>(region)],
                                           workspace.tokens.get());
}

void RegionPass::run_stage(std::size_t stage, std::int64_t region, Workspace& workspace, int threads) {
  for (std::size_t block = 0; block < context_.network.stages[stage].blocks.size(); ++block) {
    run_block(stage, block, region, workspace, threads);
  }
  RunListener* listener = context_.listener(stage);
  if (listener == nullptr) return;
  const std::int64_t count = context_.unit_tokens(stage);
  listener->after_stage(stage, region * count, count, workspace.tokens.get(),
                        token_step(context_.config().stages[stage].dim));
}

void RegionPass::run_block(std::size_t stage, std::size_t block, std::int64_t region, Workspace& workspace,
                           int threads) {
  const PixelStage& layers = context_.network.stages[stage];
  const std::int64_t count = layers.form.unit_tokens();
  if (grids_[stage].empty()) {
    run_mixer(stage, block, region, workspace, threads);
  } else {
    grids_[stage].run(layers.blocks[block], workspace.tokens.get(), workspace.other.get(), layers.step,
                      workspace.scratch, threads, context_.cancel);
  }
  layers.blocks[block].run_mlp(workspace.tokens.get(), layers.step, count, workspace.scratch, threads);
}

void RegionPass::run_mixer(std::size_t stage, std::size_t block, std::int64_t region, Workspace& workspace,
                           int threads) {
  using tokens::Direction;
  const PixelBlock& layers = context_.network.stages[stage].blocks[block];
  const std::int64_t count = context_.unit_tokens(stage), step = token_step(context_.config().stages[stage].dim);
  const std::size_t turn = first_step_[stage] + block;
  float* tokens = workspace.tokens.get();
  const auto pass = [&](Direction direction, tokens::Part part, tokens::MambaState& state) {
    if (RunListener* listener = context_.listener(stage); listener != nullptr) {
      listener->before_block({stage, block, direction, region * count, count, tokens, step, &state});
    }
    const tokens::MixerRun run{.in = {.data = tokens, .step = step},
                               .out = {.data = tokens, .step = step},
                               .tokens = count,
                               .norm = &layers.norm,
                               .padded = true,
                               .part = part,
                               .scanned = workspace.other.get()};
    layers.mixer.accumulate(direction, run, state, workspace.scratch.mixer, threads, context_.cancel);
  };
  const bool both = context_.config().stages[stage].bidirectional != tokens::Bidirectional::kNone;
  if (both) {
    // The backward direction begins in this region and needs nobody: it fills the time until the turn comes.
    tokens::MambaState state = layers.mixer.start(Direction::kBackward);
    pass(Direction::kBackward, tokens::Part::kFirst, state);
  }
  turnstile_->enter(turn, region, context_.cancel);
  if (watcher_) watcher_(turn, region, states_[turn]);
  pass(Direction::kForward, both ? tokens::Part::kSecond : tokens::Part::kAlone, states_[turn]);
  turnstile_->leave(turn);
}

void RegionPass::finish(std::int64_t region, Workspace& workspace) {
  const std::int64_t count = context_.unit_tokens(last_), step = token_step(context_.config().stages[last_].dim);
  if (output_.store != nullptr) {
    output_.store->write(region * count, count, workspace.tokens.get(), step);
    if (output_.sizes != nullptr) write_sizes(*output_.sizes, context_, last_, region, workspace.sizes);
    return;
  }
  const tokens::GridCell cell = context_.source.regions()[static_cast<std::size_t>(region)];
  turnstile_->enter(states_.size(), region, context_.cancel);
  pool_unit(context_, *output_.pool, region, cell, workspace.tokens.get(), workspace.sizes, workspace.scratch);
  turnstile_->leave(states_.size());
}

}  // namespace histojet::models
