#include <algorithm>
#include <array>

#include "models/pixel_mamba/sequence_sweep.hpp"

namespace histojet::models {
namespace {

constexpr std::int64_t kCellsAtOnce = 256;

/// Cells of a stage, regions or what a token that covers several covers, across the picture.
std::int64_t cell_columns(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage) {
  return region_count(width_px, std::max(config.token_size_px(stage).columns, config.region_size_px));
}

std::vector<std::int64_t> indices_of(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage,
                                     const std::vector<tokens::GridCell>& cells) {
  const std::int64_t columns = cell_columns(config, width_px, stage);
  std::vector<std::int64_t> indices;
  indices.reserve(cells.size());
  for (const tokens::GridCell cell : cells) {
    indices.push_back(tokens::region_index(config.region_order, columns, cell));
  }
  return indices;
}

/// Finds the cells of a stage by where they lie.
class CellIndex {
 public:
  CellIndex(const RunContext& context, std::size_t stage, const std::vector<tokens::GridCell>& cells)
      : order_(context.config().region_order),
        columns_(cell_columns(context.config(), context.source.width_px(), stage)),
        indices_(indices_of(context.config(), context.source.width_px(), stage, cells)) {}

  /// Its number among the cells, or -1.
  std::int64_t find(tokens::GridCell cell) const {
    if (cell.column >= columns_) return -1;
    const std::int64_t index = tokens::region_index(order_, columns_, cell);
    const auto found = std::ranges::lower_bound(indices_, index);
    return found != indices_.end() && *found == index ? found - indices_.begin() : -1;
  }

 private:
  tokens::RegionOrder order_;
  std::int64_t columns_;
  std::vector<std::int64_t> indices_;
};

}  // namespace

std::vector<tokens::GridCell> coarser_cells(const PixelMambaConfig& config, std::int64_t width_px, std::size_t stage,
                                            const std::vector<tokens::GridCell>& cells) {
  const std::int64_t columns = cell_columns(config, width_px, stage);
  const GridSize shape = config.merge_shape(stage - 1);
  const tokens::RegionOrder order = config.region_order;
  std::vector<std::int64_t> indices;
  indices.reserve(cells.size());
  for (const tokens::GridCell cell : cells) {
    indices.push_back(tokens::region_index(order, columns, {cell.row / shape.rows, cell.column / shape.columns}));
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
  const CellIndex index(context, stage - 1, from);
  const PixelStage &finer = context.network.stages[stage - 1], &coarser = context.network.stages[stage];
  const GridSize shape = context.config().merge_shape(stage - 1);
  auto merged = std::make_unique<TokenStore>(static_cast<std::int64_t>(to.size()), coarser.dim, context.budget);
  const auto in = make_aligned<float>(static_cast<std::size_t>(shape.cells() * kCellsAtOnce * finer.step));
  const auto out = make_aligned<float>(static_cast<std::size_t>(kCellsAtOnce * coarser.step));
  PixelScratch scratch;
  for (std::size_t first = 0; first < to.size(); first += kCellsAtOnce) {
    context.cancel.throw_if_cancelled();
    const std::size_t count = std::min<std::size_t>(kCellsAtOnce, to.size() - first);
    std::vector<std::array<std::int32_t, 4>> sources(count, {-1, -1, -1, -1});
    std::int32_t taken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const tokens::GridCell cell = to[first + i];
      for (std::int64_t k = 0; k < shape.cells(); ++k) {
        const std::int64_t child =
            index.find({shape.rows * cell.row + k % shape.rows, shape.columns * cell.column + k / shape.rows});
        if (child < 0) continue;
        sources[i][static_cast<std::size_t>(k)] = taken;
        tokens.read(child * finer.form.unit_tokens(), 1, in.get() + taken++ * finer.step, finer.step);
      }
    }
    finer.merge.run(in.get(), sources, out.get(), scratch);
    for (std::size_t i = 0; i < count; ++i) {
      coarser.enter(to[first + i], out.get() + static_cast<std::int64_t>(i) * coarser.step);
    }
    merged->write(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count), out.get(), coarser.step);
  }
  return merged;
}

void pool_store(RunContext& context, const TokenStore& tokens, const TokenStore* sizes,
                const std::vector<tokens::GridCell>& cells, TokenPool& pool) {
  const std::size_t last = context.config().stages.size() - 1;
  const std::int64_t unit = context.unit_tokens(last), step = token_step(tokens.dim());
  const auto values = make_aligned<float>(static_cast<std::size_t>(unit * step));
  PixelScratch scratch;
  std::vector<TokenSize> read;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    context.cancel.throw_if_cancelled();
    const auto number = static_cast<std::int64_t>(i);
    tokens.read(number * unit, unit, values.get(), step);
    if (sizes != nullptr) read_sizes(*sizes, context, last, number, read);
    pool_unit(context, pool, number, cells[i], values.get(), read, scratch);
  }
}

}  // namespace histojet::models
