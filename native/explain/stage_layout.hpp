#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::explain {

/// Where the tokens of one stage lie on the picture. A stage's sequence is a sequence of squares (regions or, where
/// tokens cover several of those, of tokens), each with its tokens in the same order.
struct StageLayout {
  std::int64_t token_px = 1;
  std::int64_t side = 1;                ///< tokens of a square along a side
  std::vector<tokens::GridCell> cells;  ///< of the squares, in order
  std::vector<std::int32_t> order;      ///< of a square's tokens: raster indices
  std::int64_t columns = 0;             ///< tokens that hold a pixel of the picture, across
  std::int64_t rows = 0;                ///< and down

  std::int64_t unit_tokens() const { return static_cast<std::int64_t>(order.size()); }
  std::int64_t tokens() const { return static_cast<std::int64_t>(cells.size()) * unit_tokens(); }
  /// Values by token to [rows][columns], NaN where there is no token. Tokens beyond the picture are left out.
  /// @throws Error kShapeMismatch unless there is one value per token.
  std::vector<float> grid(std::span<const float> values) const;
};

/// The layouts of all stages of a network that looks at `source`.
std::vector<StageLayout> stage_layouts(const models::PixelMambaConfig& config, const models::RegionSource& source);

/// Some neighbouring tokens of a stage and the tokens of the stage before that were merged into them.
struct MergeGroup {
  std::int64_t first = 0;                            ///< token of the coarser stage
  std::vector<std::int64_t> children;                ///< tokens of the finer stage
  std::vector<std::array<std::int32_t, 4>> sources;  ///< of each coarser token: places in `children`, -1: none
};

/// All merges between two neighbouring stages, in groups of bounded size.
class MergePlan {
 public:
  /// `sources`: how the tokens of a square merge (PixelStage::merge_sources); empty where squares merge with each
  /// other.
  MergePlan(const StageLayout& finer, const StageLayout& coarser, tokens::RegionOrder order,
            std::span<const std::array<std::int32_t, 4>> sources);

  std::int64_t groups() const;
  MergeGroup group(std::int64_t index) const;

 private:
  const StageLayout& finer_;
  const StageLayout& coarser_;
  tokens::RegionOrder order_;
  std::span<const std::array<std::int32_t, 4>> sources_;
  std::vector<std::int64_t> indices_;  ///< of the finer cells in the grid's order; empty with `sources`
};

}  // namespace histojet::explain
