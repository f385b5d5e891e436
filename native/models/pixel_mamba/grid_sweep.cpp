#include "models/pixel_mamba/grid_sweep.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "models/pixel_mamba/region_grid.hpp"
#include "models/pixel_mamba/sequence_sweep.hpp"
#include "tokens/scan2d_mixer.hpp"

namespace histojet::models {
namespace {

using tokens::Direction;

AlignedBuffer<float> zeros(std::int64_t floats) {
  auto buffer = make_aligned<float>(static_cast<std::size_t>(floats));
  std::fill_n(buffer.get(), floats, 0.0F);
  return buffer;
}

std::string block_name(std::size_t stage, std::size_t block) {
  return "stage " + std::to_string(stage) + ", block " + std::to_string(block);
}

/// Tokens that are grids of their own.
void sweep_single_cells(RunContext& context, std::size_t stage, TokenStore& store) {
  const PixelStage& layers = context.network.stages[stage];
  const RegionGrid cell(layers.form);
  const std::int64_t chunk = chunk_tokens(layers.dim), step = layers.step;
  const AlignedBuffer<float> tokens = zeros(chunk * step), other = zeros(step);
  PixelScratch scratch;
  context.progress.begin("stage " + std::to_string(stage), store.tokens());
  for (std::int64_t start = 0; start < store.tokens(); start += chunk) {
    context.cancel.throw_if_cancelled();
    const std::int64_t count = std::min(chunk, store.tokens() - start);
    store.read(start, count, tokens.get(), step);
    for (const PixelBlock& block : layers.blocks) {
      for (std::int64_t i = 0; i < count; ++i) {
        cell.run(block, tokens.get() + i * step, other.get(), step, scratch, 1, context.cancel);
      }
      block.run_mlp(tokens.get(), step, count, scratch, context.threads);
    }
    store.write(start, count, tokens.get(), step);
    context.progress.advance(count);
  }
}

/// What SS2D needs of memory for a grid: its tensors with padded channels.
std::int64_t cross_bytes(const PixelStage& stage, const PixelMambaStage& config, const SlideGrid& grid,
                         std::int64_t tokens) {
  const std::int64_t inner = token_step(config.dim * config.expand), states = token_step(2 * config.d_state);
  const std::int64_t border = config.d_conv - 1;
  const std::int64_t places = grid.rows() * grid.columns();
  const std::int64_t framed = (grid.rows() + border) * (grid.columns() + border);
  const std::int64_t floats =
      places * (9 * inner + 2 * stage.step + states + 48) + framed * inner + tokens * stage.step;
  return floats * static_cast<std::int64_t>(sizeof(float));
}

/// The whole grid at once, in memory.
void sweep_cross(RunContext& context, std::size_t stage, const SlideGrid& grid, TokenStore& store) {
  const PixelStage& layers = context.network.stages[stage];
  const std::int64_t bytes = cross_bytes(layers, context.config().stages[stage], grid, store.tokens());
  if (bytes > context.options.store_bytes) {
    throw Error(ErrorCode::kInvalidArgument, "stages[" + std::to_string(stage) +
                                                 "].backward_scope: scan \"cross2d\" over the whole picture, " +
                                                 std::to_string(grid.rows()) + " x " + std::to_string(grid.columns()) +
                                                 " tokens, takes " + std::to_string(bytes) + " bytes, allowed are " +
                                                 std::to_string(context.options.store_bytes) + " (maxMemoryBytes)");
  }
  std::vector<std::int32_t> order;
  order.reserve(static_cast<std::size_t>(grid.rows() * grid.columns()));
  for (std::int64_t row = 0; row < grid.rows(); ++row) {
    for (std::int64_t column = 0; column < grid.columns(); ++column) {
      order.push_back(static_cast<std::int32_t>(grid.token(row, column)));
    }
  }
  const AlignedBuffer<float> tokens = zeros(store.tokens() * layers.step);
  store.read(0, store.tokens(), tokens.get(), layers.step);
  PixelScratch scratch;
  for (std::size_t block = 0; block < layers.blocks.size(); ++block) {
    context.progress.begin(block_name(stage, block), store.tokens());
    const PixelBlock& part = layers.blocks[block];
    part.cross->accumulate(&part.norm, {tokens.get(), layers.step, order.data()},
                           {tokens.get(), layers.step, order.data()}, grid.rows(), grid.columns(), scratch.grid,
                           context.threads, context.cancel, tokens::MissingTokens::kSkipped);
    part.run_mlp(tokens.get(), layers.step, store.tokens(), scratch, context.threads);
    context.progress.advance(store.tokens());
  }
  store.write(0, store.tokens(), tokens.get(), layers.step);
}

/// One direction of one block along the rows and down the columns of a grid, some cells at a time.
class GridScan {
 public:
  GridScan(RunContext& context, std::size_t stage, std::size_t block, const SlideGrid& grid)
      : context_(context),
        stage_(context.network.stages[stage]),
        block_(stage_.blocks[block]),
        grid_(grid),
        chunk_(chunk_tokens(stage_.dim)),
        in_(zeros(chunk_ * stage_.step)),
        out_(zeros(chunk_ * stage_.step)) {}

  /// `first`: `sums` holds nothing yet; `last`: the block's mixer is done afterwards.
  void run(Direction direction, const TokenStore& from, TokenStore& sums, bool first, bool last) {
    tokens::Scan2dState state = tokens::start_scan2d(block_.mixer, grid_.columns());
    const std::int64_t cells = grid_.rows() * grid_.columns();
    for (std::int64_t done = 0; done < cells; done += chunk_) {
      const std::int64_t count = std::min(chunk_, cells - done);
      take(direction == Direction::kForward ? done : cells - done - count, count);
      from.gather(tokens_, in_.get(), stage_.step);
      (first ? from : sums).gather(tokens_, out_.get(), stage_.step);
      const tokens::MixerRun run{.in = {in_.get(), stage_.step, order_.data()},
                                 .out = {out_.get(), stage_.step, order_.data()},
                                 .tokens = count,
                                 .norm = &block_.norm,
                                 .padded = true};
      tokens::accumulate_scan2d(block_.mixer, direction, run, state, scratch_.mixer, context_.threads, context_.cancel);
      const auto there = static_cast<std::int64_t>(tokens_.size());
      if (last) block_.run_mlp(out_.get(), stage_.step, there, scratch_, context_.threads);
      sums.scatter(tokens_, out_.get(), stage_.step);
      context_.progress.advance(there);
    }
  }

 private:
  /// The tokens of `count` cells in raster order, and where each cell finds its own among them.
  void take(std::int64_t first, std::int64_t count) {
    tokens_.clear();
    order_.clear();
    for (std::int64_t cell = first; cell < first + count; ++cell) {
      const std::int64_t token = grid_.token(cell / grid_.columns(), cell % grid_.columns());
      order_.push_back(token < 0 ? -1 : static_cast<std::int32_t>(tokens_.size()));
      if (token >= 0) tokens_.push_back(token);
    }
  }

  RunContext& context_;
  const PixelStage& stage_;
  const PixelBlock& block_;
  const SlideGrid& grid_;
  std::int64_t chunk_;
  AlignedBuffer<float> in_;
  AlignedBuffer<float> out_;
  PixelScratch scratch_;
  std::vector<std::int64_t> tokens_;
  std::vector<std::int32_t> order_;
};

void sweep_scan2d(RunContext& context, std::size_t stage, const SlideGrid& grid, std::unique_ptr<TokenStore>& store) {
  const PixelMambaStage& config = context.config().stages[stage];
  const bool both = config.bidirectional != tokens::Bidirectional::kNone;
  auto sums = std::make_unique<TokenStore>(store->tokens(), store->dim(), context.budget);
  for (std::size_t block = 0; block < context.network.stages[stage].blocks.size(); ++block) {
    context.progress.begin(block_name(stage, block), store->tokens() * (both ? 2 : 1));
    GridScan scan(context, stage, block, grid);
    scan.run(Direction::kForward, *store, *sums, true, !both);
    if (both) scan.run(Direction::kBackward, *store, *sums, false, true);
    std::swap(store, sums);
  }
}

}  // namespace

void sweep_grid(RunContext& context, std::size_t stage, const std::vector<tokens::GridCell>& cells,
                std::unique_ptr<TokenStore>& store) {
  if (!context.config().is_global(stage)) return sweep_single_cells(context, stage, *store);
  const SlideGrid grid(context.network.stages[stage].form, cells);
  if (context.config().stages[stage].scan == ScanKind::kCross2d) {
    sweep_cross(context, stage, grid, *store);
  } else {
    sweep_scan2d(context, stage, grid, store);
  }
}

}  // namespace histojet::models
