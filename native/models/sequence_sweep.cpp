#include "models/sequence_sweep.hpp"

#include <algorithm>
#include <array>

#include "base/executor.hpp"

namespace histojet::models {
namespace {

using tokens::Direction;

/// Floats of one chunk of tokens: 1 MiB.
constexpr std::int64_t kChunkFloats = std::int64_t{1} << 18;
constexpr std::int64_t kCellsAtOnce = 256;

std::int64_t chunk_tokens(std::int64_t dim) {
  return std::max<std::int64_t>(64, kChunkFloats / token_step(dim));
}

/// One direction of one block on its way through the stored sequence.
class Sweep {
 public:
  Sweep(RunContext& context, std::size_t stage, std::size_t block, Direction direction, int threads)
      : context_(context),
        layers_(context.network.stages[stage].blocks[block]),
        stage_(stage),
        block_(block),
        direction_(direction),
        threads_(threads),
        step_(token_step(context.config().stages[stage].dim)),
        chunk_(chunk_tokens(step_)),
        state_(layers_.mixer.start(direction)),
        in_(make_aligned<float>(static_cast<std::size_t>((chunk_ + kMostBefore) * step_))),
        out_(make_aligned<float>(static_cast<std::size_t>(chunk_ * step_))) {}

  /// Tokens [begin, end) of `from`, in this direction's order. `sums`: what the block puts out; holds what the other
  /// direction left there unless this one is the `first`.
  void run(const TokenStore& from, TokenStore& sums, std::int64_t begin, std::int64_t end, bool first) {
    const bool forward = direction_ == Direction::kForward;
    for (std::int64_t done = 0; done < end - begin; done += chunk_) {
      const std::int64_t count = std::min(chunk_, end - begin - done);
      chunk(from, sums, forward ? begin + done : end - done - count, count, first);
      context_.progress.advance(count);
    }
  }

 private:
  static constexpr std::int64_t kMostBefore = 64;  ///< the widest convolution looks back less far

  void chunk(const TokenStore& from, TokenStore& sums, std::int64_t start, std::int64_t count, bool first) {
    const tokens::MambaConfig& config = layers_.mixer.config();
    const bool looks_back = direction_ == Direction::kBackward && config.bidirectional == tokens::Bidirectional::kV1;
    const std::int64_t before = looks_back ? std::min(config.d_conv - 1, start) : 0;
    from.read(start - before, before + count, in_.get(), step_);
    const float* in = in_.get() + before * step_;
    if (first) {
      std::copy_n(in, count * step_, out_.get());
    } else {
      sums.read(start, count, out_.get(), step_);
    }
    if (RunListener* listener = context_.listener(stage_); listener != nullptr) {
      listener->before_block({stage_, block_, direction_, start, count, in, step_, &state_});
    }
    const tokens::MixerRun run{.in = {.data = in, .step = step_},
                               .out = {.data = out_.get(), .step = step_},
                               .tokens = count,
                               .tokens_before = before,
                               .norm = &layers_.norm,
                               .padded = true};
    layers_.mixer.accumulate(direction_, run, state_, scratch_, threads_, context_.cancel);
    sums.write(start, count, out_.get(), step_);
  }

  RunContext& context_;
  const PixelBlock& layers_;
  std::size_t stage_;
  std::size_t block_;
  Direction direction_;
  int threads_;
  std::int64_t step_;
  std::int64_t chunk_;
  tokens::MambaState state_;
  tokens::MixerScratch scratch_;
  AlignedBuffer<float> in_;
  AlignedBuffer<float> out_;
};

/// From both ends to the middle, then on to the other end.
void sweep_both_ways(RunContext& context, std::size_t stage, std::size_t block, const TokenStore& from,
                     TokenStore& sums) {
  const int threads = std::max(1, context.threads / 2);
  Sweep forward(context, stage, block, Direction::kForward, threads);
  Sweep backward(context, stage, block, Direction::kBackward, threads);
  const std::int64_t middle = from.tokens() / 2, end = from.tokens();
  for (const bool first : {true, false}) {
    Executor::instance().parallel_for(2, context.threads, [&](std::int64_t i) {
      if (i == 0) {
        forward.run(from, sums, first ? 0 : middle, first ? middle : end, first);
      } else {
        backward.run(from, sums, first ? middle : 0, first ? end : middle, first);
      }
    });
  }
}

/// The backward direction of tokens that are regions of their own: it begins and ends there. `sums`: the tokens with
/// what it adds to them.
void sweep_single_tokens(RunContext& context, std::size_t stage, std::size_t block, const TokenStore& store,
                         TokenStore& sums) {
  const PixelBlock& layers = context.network.stages[stage].blocks[block];
  const std::int64_t step = token_step(store.dim()), chunk = chunk_tokens(store.dim());
  const auto in = make_aligned<float>(static_cast<std::size_t>(chunk * step));
  const auto out = make_aligned<float>(static_cast<std::size_t>(chunk * step));
  tokens::MixerScratch scratch;
  for (std::int64_t start = 0; start < store.tokens(); start += chunk) {
    const std::int64_t count = std::min(chunk, store.tokens() - start);
    store.read(start, count, in.get(), step);
    std::copy_n(in.get(), count * step, out.get());
    for (std::int64_t i = 0; i < count; ++i) {
      tokens::MambaState state = layers.mixer.start(Direction::kBackward);
      const float* token = in.get() + i * step;
      if (RunListener* listener = context.listener(stage); listener != nullptr) {
        listener->before_block({stage, block, Direction::kBackward, start + i, 1, token, step, &state});
      }
      const tokens::MixerRun run{.in = {.data = token, .step = step},
                                 .out = {.data = out.get() + i * step, .step = step},
                                 .tokens = 1,
                                 .norm = &layers.norm,
                                 .padded = true};
      layers.mixer.accumulate(Direction::kBackward, run, state, scratch, 1, context.cancel);
    }
    sums.write(start, count, out.get(), step);
  }
}

void tell_listener(const RunContext& context, std::size_t stage, const TokenStore& store) {
  RunListener* listener = context.listener(stage);
  if (listener == nullptr) return;
  const std::int64_t step = token_step(store.dim()), chunk = chunk_tokens(store.dim());
  const auto tokens = make_aligned<float>(static_cast<std::size_t>(chunk * step));
  for (std::int64_t start = 0; start < store.tokens(); start += chunk) {
    const std::int64_t count = std::min(chunk, store.tokens() - start);
    store.read(start, count, tokens.get(), step);
    listener->after_stage(stage, start, count, tokens.get(), step);
  }
}

std::vector<std::int64_t> indices_of(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage,
                                     const std::vector<tokens::GridCell>& cells) {
  const std::int64_t columns = region_count(width_px, std::max(config.token_px(stage), config.region_size_px));
  std::vector<std::int64_t> indices;
  indices.reserve(cells.size());
  for (const tokens::GridCell cell : cells) {
    indices.push_back(tokens::region_index(config.region_order, columns, cell));
  }
  return indices;
}

}  // namespace

void sweep_stage(RunContext& context, std::size_t stage, std::unique_ptr<TokenStore>& store) {
  const PixelMambaStage& config = context.config().stages[stage];
  const bool both = config.bidirectional != tokens::Bidirectional::kNone && config.depth > 0;
  const bool global = context.config().is_global(stage);
  std::unique_ptr<TokenStore> sums;
  if (both) sums = std::make_unique<TokenStore>(store->tokens(), store->dim(), context.budget);
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const auto block = static_cast<std::size_t>(i);
    context.progress.begin("stage " + std::to_string(stage) + ", block " + std::to_string(i),
                           store->tokens() * (global ? 2 : 1));
    if (global) {
      sweep_both_ways(context, stage, block, *store, *sums);
    } else {
      if (both) sweep_single_tokens(context, stage, block, *store, *sums);
      Sweep forward(context, stage, block, Direction::kForward, context.threads);
      forward.run(*store, both ? *sums : *store, 0, store->tokens(), !both);
    }
    if (both) std::swap(store, sums);
  }
  tell_listener(context, stage, *store);
}

std::vector<tokens::GridCell> coarser_cells(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage,
                                            const std::vector<tokens::GridCell>& cells) {
  const std::int64_t columns = region_count(width_px, config.token_px(stage));
  const tokens::RegionOrder order = config.region_order;
  std::vector<std::int64_t> indices;
  indices.reserve(cells.size());
  for (const tokens::GridCell cell : cells) {
    indices.push_back(tokens::region_index(order, columns, {cell.row / 2, cell.column / 2}));
  }
  std::ranges::sort(indices);
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  std::vector<tokens::GridCell> merged;
  merged.reserve(indices.size());
  for (const std::int64_t index : indices) merged.push_back(tokens::region_cell(order, columns, index));
  return merged;
}

std::unique_ptr<TokenStore> merge_cells(RunContext& context, std::size_t stage, const TokenStore& tokens,
                                        const std::vector<tokens::GridCell>& from,
                                        const std::vector<tokens::GridCell>& to) {
  const tokens::RegionOrder order = context.config().region_order;
  const std::int64_t columns = region_count(context.source.width_px(), context.config().token_px(stage - 1));
  const std::vector<std::int64_t> indices = indices_of(context.config(), context.source.width_px(), stage - 1, from);
  const std::int64_t dim = context.config().stages[stage].dim;
  const std::int64_t in_step = token_step(tokens.dim()), out_step = token_step(dim);
  auto merged = std::make_unique<TokenStore>(static_cast<std::int64_t>(to.size()), dim, context.budget);
  const auto in = make_aligned<float>(static_cast<std::size_t>(4 * kCellsAtOnce * in_step));
  const auto out = make_aligned<float>(static_cast<std::size_t>(kCellsAtOnce * out_step));
  PixelScratch scratch;
  for (std::size_t first = 0; first < to.size(); first += kCellsAtOnce) {
    context.cancel.throw_if_cancelled();
    const std::size_t count = std::min<std::size_t>(kCellsAtOnce, to.size() - first);
    std::vector<std::array<std::int32_t, 4>> sources(count);
    std::int32_t taken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const tokens::GridCell cell = to[first + i];
      for (std::int64_t k = 0; k < 4; ++k) {
        const tokens::GridCell child{2 * cell.row + k % 2, 2 * cell.column + k / 2};
        const auto found = child.column < columns
                               ? std::ranges::lower_bound(indices, tokens::region_index(order, columns, child))
                               : indices.end();
        const bool there = found != indices.end() && *found == tokens::region_index(order, columns, child);
        sources[i][static_cast<std::size_t>(k)] = there ? taken : -1;
        if (there) tokens.read(found - indices.begin(), 1, in.get() + taken++ * in_step, in_step);
      }
    }
    context.network.stages[stage - 1].merge.run(in.get(), sources, out.get(), scratch);
    merged->write(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count), out.get(), out_step);
  }
  return merged;
}

void pool_store(RunContext& context, const TokenStore& tokens, const std::vector<tokens::GridCell>& cells,
                TokenPool& pool) {
  const std::size_t last = context.config().stages.size() - 1;
  const auto order = tokens::pixel_order(context.config().pixel_order, context.config().tokens_per_side(last));
  const std::int64_t unit = context.unit_tokens(last), step = token_step(tokens.dim());
  const auto values = make_aligned<float>(static_cast<std::size_t>(unit * step));
  PixelScratch scratch;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    context.cancel.throw_if_cancelled();
    tokens.read(static_cast<std::int64_t>(i) * unit, unit, values.get(), step);
    pool_unit(context, pool, static_cast<std::int64_t>(i), cells[i], order, values.get(), scratch);
  }
}

}  // namespace histojet::models
