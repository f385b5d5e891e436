#include "models/pixel_mamba/sequence_sweep.hpp"

#include <algorithm>
#include <optional>

#include "base/executor.hpp"
#include "models/pixel_mamba/grid_sweep.hpp"

namespace histojet::models {
namespace {

using tokens::Direction;
using tokens::Part;

/// Floats of one chunk of tokens: 1 MiB.
constexpr std::int64_t kChunkFloats = std::int64_t{1} << 18;

/// Room for scans of `tokens` tokens, zero where no channel lies: it may be written to a file.
AlignedBuffer<float> blank_scans(std::int64_t tokens, const TokenStore& scans) {
  const auto floats = static_cast<std::size_t>(tokens * scans.dim());
  auto room = make_aligned<float>(floats);
  std::fill_n(room.get(), floats, 0.0f);
  return room;
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
        tokens_(make_aligned<float>(static_cast<std::size_t>((chunk_ + kMostBefore) * step_))) {}

  /// Tokens [begin, end), in this direction's order. `scans`: where the directions of a block meet, null with one. The
  /// first one to come by leaves its scan's results there, the second one turns them and its own into the block's
  /// output, in the tokens' place: nobody needs them as they were any more.
  void run(TokenStore& tokens, TokenStore* scans, std::int64_t begin, std::int64_t end, Part part) {
    if (scans != nullptr && scanned_ == nullptr) {
      scanned_ = blank_scans(chunk_, *scans);
    }
    const bool forward = direction_ == Direction::kForward;
    for (std::int64_t done = 0; done < end - begin; done += chunk_) {
      const std::int64_t count = std::min(chunk_, end - begin - done);
      chunk(tokens, scans, forward ? begin + done : end - done - count, count, part);
      context_.progress.advance(count);
    }
  }

 private:
  static constexpr std::int64_t kMostBefore = 64;  ///< the widest convolution looks back less far

  void chunk(TokenStore& tokens, TokenStore* scans, std::int64_t start, std::int64_t count, Part part) {
    const tokens::MambaConfig& config = layers_.mixer.config();
    const bool looks_back = direction_ == Direction::kBackward && config.bidirectional == tokens::Bidirectional::kV1;
    const std::int64_t before = looks_back ? std::min(config.d_conv - 1, start) : 0;
    tokens.read(start - before, before + count, tokens_.get(), step_);
    float* const here = tokens_.get() + before * step_;
    if (part == Part::kSecond) scans->read(start, count, scanned_.get(), scans->dim());
    if (RunListener* listener = context_.listener(stage_); listener != nullptr) {
      listener->before_block({stage_, block_, direction_, start, count, here, step_, &state_});
    }
    const tokens::MixerRun run{.in = {.data = here, .step = step_},
                               .out = {.data = here, .step = step_},
                               .tokens = count,
                               .tokens_before = before,
                               .norm = &layers_.norm,
                               .padded = true,
                               .part = part,
                               .scanned = scanned_.get()};
    layers_.mixer.accumulate(direction_, run, state_, scratch_.mixer, threads_, context_.cancel);
    if (part == Part::kFirst) return scans->write(start, count, scanned_.get(), scans->dim());
    layers_.run_mlp(here, step_, count, scratch_, threads_);
    tokens.write(start, count, here, step_);
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
  PixelScratch scratch_;
  AlignedBuffer<float> tokens_;
  AlignedBuffer<float> scanned_;
};

/// From both ends to the middle, then on to the other end.
void sweep_both_ways(RunContext& context, std::size_t stage, std::size_t block, TokenStore& store, TokenStore& scans) {
  const int threads = std::max(1, context.threads / 2);
  Sweep forward(context, stage, block, Direction::kForward, threads);
  Sweep backward(context, stage, block, Direction::kBackward, threads);
  const std::int64_t middle = store.tokens() / 2, end = store.tokens();
  for (const Part part : {Part::kFirst, Part::kSecond}) {
    const bool first = part == Part::kFirst;
    Executor::instance().parallel_for(2, context.threads, [&](std::int64_t i) {
      if (i == 0) {
        forward.run(store, &scans, first ? 0 : middle, first ? middle : end, part);
      } else {
        backward.run(store, &scans, first ? middle : 0, first ? end : middle, part);
      }
    });
  }
}

/// The backward direction of tokens that are regions of their own: it begins and ends there. `scans`: its results.
void sweep_single_tokens(RunContext& context, std::size_t stage, std::size_t block, const TokenStore& store,
                         TokenStore& scans) {
  const PixelBlock& layers = context.network.stages[stage].blocks[block];
  const std::int64_t step = token_step(store.dim()), chunk = chunk_tokens(store.dim());
  const auto in = make_aligned<float>(static_cast<std::size_t>(chunk * step));
  const auto scanned = blank_scans(chunk, scans);
  tokens::MixerScratch scratch;
  for (std::int64_t start = 0; start < store.tokens(); start += chunk) {
    const std::int64_t count = std::min(chunk, store.tokens() - start);
    store.read(start, count, in.get(), step);
    for (std::int64_t i = 0; i < count; ++i) {
      tokens::MambaState state = layers.mixer.start(Direction::kBackward);
      float* const token = in.get() + i * step;
      if (RunListener* listener = context.listener(stage); listener != nullptr) {
        listener->before_block({stage, block, Direction::kBackward, start + i, 1, token, step, &state});
      }
      const tokens::MixerRun run{.in = {.data = token, .step = step},
                                 .out = {.data = token, .step = step},
                                 .tokens = 1,
                                 .norm = &layers.norm,
                                 .padded = true,
                                 .part = Part::kFirst,
                                 .scanned = scanned.get() + i * scans.dim()};
      layers.mixer.accumulate(Direction::kBackward, run, state, scratch, 1, context.cancel);
    }
    scans.write(start, count, scanned.get(), scans.dim());
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

/// All blocks of a stage over tokens in the order in which they are scanned.
void sweep_blocks(RunContext& context, std::size_t stage, TokenStore& store) {
  const PixelMambaStage& config = context.config().stages[stage];
  const bool both = config.bidirectional != tokens::Bidirectional::kNone && config.depth > 0;
  const bool global = both && context.config().is_global(stage);
  std::optional<TokenStore> scans;
  if (both) {
    const std::int64_t step = context.network.stages[stage].blocks[0].mixer.scan_step();
    scans.emplace(store.tokens(), step, context.budget);
  }
  for (std::int64_t i = 0; i < config.depth; ++i) {
    const auto block = static_cast<std::size_t>(i);
    context.progress.begin("stage " + std::to_string(stage) + ", block " + std::to_string(i),
                           store.tokens() * (global ? 2 : 1));
    if (global) {
      sweep_both_ways(context, stage, block, store, *scans);
    } else {
      if (both) sweep_single_tokens(context, stage, block, store, *scans);
      Sweep forward(context, stage, block, Direction::kForward, context.threads);
      forward.run(store, both ? &*scans : nullptr, 0, store.tokens(), both ? Part::kSecond : Part::kAlone);
    }
  }
}

}  // namespace

std::int64_t chunk_tokens(std::int64_t dim) {
  return std::max<std::int64_t>(64, kChunkFloats / token_step(dim));
}

void sweep_stage(RunContext& context, std::size_t stage, const std::vector<tokens::GridCell>& cells,
                 std::unique_ptr<TokenStore>& store) {
  const PixelMambaStage& config = context.config().stages[stage];
  if (config.scans_grid()) {
    sweep_grid(context, stage, cells, store);
  } else if (config.scan == ScanKind::kWindow && context.config().is_global(stage)) {
    const SlideGrid grid(context.network.stages[stage].form, cells);
    auto windows = std::make_unique<TokenStore>(store->tokens(), store->dim(), context.budget);
    to_windows(context, grid, config.window, *store, *windows);
    sweep_blocks(context, stage, *windows);
    from_windows(context, grid, config.window, *windows, *store);
  } else {
    sweep_blocks(context, stage, *store);
  }
  tell_listener(context, stage, *store);
}

}  // namespace histojet::models
