#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "models/pixel_mamba/config.hpp"

namespace histojet::models {

/// Which tokens a stage has in a region (or in a cell of several), and where they lie.
struct StageForm {
  GridSize grid;            ///< of a region's tokens; without meaning where `places` is empty
  GridSize token_px;        ///< size of a token in pixels
  std::int64_t tokens = 1;  ///< without the region's own one
  /// Whether the sequence of a region ends with the mean of its tokens.
  bool region_token = false;
  /// Place of each token in the region's grid (row * columns + column), in the order of the sequence; empty for tokens
  /// that merged by similarity and have no place.
  std::vector<std::int32_t> places;

  /// Tokens of a region in the stage's sequence.
  std::int64_t unit_tokens() const { return tokens + (region_token ? 1 : 0); }
  /// Pixels that a region, or a cell of several, covers.
  std::int64_t cell_width_px() const { return grid.columns * token_px.columns; }
  std::int64_t cell_height_px() const { return grid.rows * token_px.rows; }
};

StageForm stage_form(const PixelMambaConfig& config, std::size_t stage);

/// The order of a grid whose tokens are squares or, between two merges of pairs, rectangles of two squares: a curve
/// (kZorder, kHilbert) visits rectangles when it first touches one of their squares, rows are rows of rectangles.
/// @throws Error like tokens::pixel_order().
std::vector<std::int32_t> rectangle_order(tokens::PixelOrder order, GridSize grid);

/// Windows of `window` x `window` tokens one after the other, row by row inside and outside; cut at the grid's right
/// and lower border.
std::vector<std::int32_t> cut_window_order(GridSize grid, std::int64_t window);

/// The tokens of a region that become one: positions in the sequence of `finer`, for each token of `coarser`. Part k
/// lies at row k % shape.rows, column k / shape.rows, as Swin has it; parts beyond the shape are -1.
std::vector<std::array<std::int32_t, 4>> region_merge_sources(const StageForm& finer, const StageForm& coarser,
                                                              GridSize shape);

/// Tokens that a merge by similarity takes away from `tokens`, of the windows of `window` tokens each at most half.
struct SimilarityCut {
  std::int64_t asked = 0;    ///< what is asked of all windows together
  std::int64_t removed = 0;  ///< what they can give
};
SimilarityCut similarity_cut(std::int64_t tokens, double keep, std::int64_t window);

}  // namespace histojet::models
