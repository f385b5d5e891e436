#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/pixel_mamba/context.hpp"

namespace histojet::models {

/// The tokens of a stage as a grid: the smallest rectangle of regions (or of tokens that cover several) that holds all
/// of the stage's. Places of regions that are not looked at have no token.
class SlideGrid {
 public:
  /// `cells`: of the stage's regions or tokens, in the sequence's order; not empty.
  SlideGrid(const StageForm& form, const std::vector<tokens::GridCell>& cells);

  std::int64_t rows() const { return cell_rows_ * grid_.rows; }
  std::int64_t columns() const { return cell_columns_ * grid_.columns; }
  /// Of the rectangle's first token in the grid of the whole picture.
  std::int64_t first_row() const { return top_ * grid_.rows; }
  std::int64_t first_column() const { return left_ * grid_.columns; }
  /// Number in the sequence of the token at a place of the rectangle, or -1.
  std::int64_t token(std::int64_t row, std::int64_t column) const {
    const std::int64_t cell = row / grid_.rows * cell_columns_ + column / grid_.columns;
    const std::int64_t place = row % grid_.rows * grid_.columns + column % grid_.columns;
    const std::int64_t number = number_[static_cast<std::size_t>(cell)];
    return number < 0 ? -1 : number * grid_.cells() + position_[static_cast<std::size_t>(place)];
  }

 private:
  GridSize grid_;
  std::int64_t top_ = 0;
  std::int64_t left_ = 0;
  std::int64_t cell_rows_ = 0;
  std::int64_t cell_columns_ = 0;
  std::vector<std::int32_t> number_;    ///< of the cell at each place of the rectangle, or -1
  std::vector<std::int32_t> position_;  ///< in a cell's sequence, by place
};

/// ScanKind::kWindow with BackwardScope::kGlobal: from the sequence of regions into windows of `window` x `window`
/// tokens of the whole picture's grid, one after the other and row by row inside and outside, and back again.
void to_windows(const RunContext& context, const SlideGrid& grid, std::int64_t window, const TokenStore& sequence,
                TokenStore& windows);
void from_windows(const RunContext& context, const SlideGrid& grid, std::int64_t window, const TokenStore& windows,
                  TokenStore& sequence);

/// Takes stored tokens through blocks that scan a grid. BackwardScope::kRegion: each token by itself (others pass with
/// their regions). BackwardScope::kGlobal: the grid of the picture; kScan2d goes through it row by row, kCross2d holds
/// all of it in memory. @throws Error kInvalidArgument when that takes more than PixelMambaRunOptions::store_bytes.
void sweep_grid(RunContext& context, std::size_t stage, const std::vector<tokens::GridCell>& cells,
                std::unique_ptr<TokenStore>& store);

}  // namespace histojet::models
