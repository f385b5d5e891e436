#include "explain/stage_layout.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "models/pixel_mamba/sequence_sweep.hpp"

namespace histojet::explain {
namespace {

using tokens::GridCell;

/// Coarser tokens of a group where squares merge with each other.
constexpr std::int64_t kGroupTokens = 256;

}  // namespace

std::vector<float> StageLayout::grid(std::span<const float> values) const {
  if (static_cast<std::int64_t>(values.size()) != tokens()) {
    throw Error(ErrorCode::kShapeMismatch, "grid of a stage: " + std::to_string(values.size()) +
                                               " values, expected one for each of " + std::to_string(tokens()) +
                                               " tokens");
  }
  std::vector<float> grid(static_cast<std::size_t>(rows * columns), std::numeric_limits<float>::quiet_NaN());
  auto value = values.begin();
  for (const GridCell cell : cells) {
    for (const std::int32_t place : order) {
      const std::int64_t row = cell.row * side + place / side, column = cell.column * side + place % side;
      if (row < rows && column < columns) grid[static_cast<std::size_t>(row * columns + column)] = *value;
      ++value;
    }
  }
  return grid;
}

std::vector<StageLayout> stage_layouts(const models::PixelMambaConfig& config, const models::RegionSource& source) {
  std::vector<StageLayout> layouts;
  for (std::size_t s = 0; s < config.stages.size(); ++s) {
    const std::int64_t token_px = config.token_px(s);
    StageLayout layout{.token_px = token_px,
                       .side = config.tokens_per_side(s),
                       .cells = s == 0 ? source.regions() : layouts.back().cells,
                       .order = tokens::pixel_order(config.pixel_order, config.tokens_per_side(s)),
                       .columns = (source.width_px() + token_px - 1) / token_px,
                       .rows = (source.height_px() + token_px - 1) / token_px};
    if (config.is_coarse(s)) layout.cells = models::coarser_cells(config, source.width_px(), s, layout.cells);
    layouts.push_back(std::move(layout));
  }
  return layouts;
}

MergePlan::MergePlan(const StageLayout& finer, const StageLayout& coarser, tokens::RegionOrder order,
                     std::span<const std::array<std::int32_t, 4>> sources)
    : finer_(finer), coarser_(coarser), order_(order), sources_(sources) {
  if (!sources.empty()) return;
  for (const GridCell cell : finer.cells) indices_.push_back(tokens::region_index(order, finer.columns, cell));
}

std::int64_t MergePlan::groups() const {
  if (!sources_.empty()) return static_cast<std::int64_t>(coarser_.cells.size());
  return (coarser_.tokens() + kGroupTokens - 1) / kGroupTokens;
}

MergeGroup MergePlan::group(std::int64_t index) const {
  MergeGroup group;
  if (!sources_.empty()) {
    group.first = index * coarser_.unit_tokens();
    group.children.resize(static_cast<std::size_t>(finer_.unit_tokens()));
    std::iota(group.children.begin(), group.children.end(), index * finer_.unit_tokens());
    group.sources.assign(sources_.begin(), sources_.end());
    return group;
  }
  group.first = index * kGroupTokens;
  const std::int64_t end = std::min(group.first + kGroupTokens, coarser_.tokens());
  for (std::int64_t token = group.first; token < end; ++token) {
    const GridCell cell = coarser_.cells[static_cast<std::size_t>(token)];
    std::array<std::int32_t, 4>& four = group.sources.emplace_back();
    for (std::int64_t k = 0; k < 4; ++k) {
      const GridCell child{2 * cell.row + k % 2, 2 * cell.column + k / 2};
      four[static_cast<std::size_t>(k)] = -1;
      if (child.column >= finer_.columns) continue;
      const std::int64_t wanted = tokens::region_index(order_, finer_.columns, child);
      const auto found = std::ranges::lower_bound(indices_, wanted);
      if (found == indices_.end() || *found != wanted) continue;
      four[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(group.children.size());
      group.children.push_back(found - indices_.begin());
    }
  }
  return group;
}

}  // namespace histojet::explain
