#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/mamba_mil.hpp"
#include "tokens/running_pool.hpp"
#include "tokens/scan2d_mixer.hpp"

namespace histojet::models {

/// One slide on its way through the grid of 2DMambaMIL. Both its convolution and its scan look at earlier cells only,
/// so that some rows of cells at a time go through all layers, and no more of the grid is in memory.
class MambaMil::GridRun {
 public:
  GridRun(const MambaMil& model, Scratch& scratch, int threads, const CancelToken& cancel);

  /// Takes the tokens of the tiles from `scratch.tokens`; writes attention and features.
  void run(std::span<const PlacedTile> placed, std::int64_t tiles, MambaMilOutput& output);

 private:
  float* cell(std::int64_t i) { return scratch_.cells.get() + i * step_; }
  void fill(std::int64_t first, std::int64_t count, std::span<const PlacedTile> here);
  void run_layers(std::int64_t count);

  const MambaMil& model_;
  Scratch& scratch_;
  const int threads_;
  const CancelToken& cancel_;
  const std::int64_t dim_;
  const std::int64_t step_;          ///< floats between cells
  const std::int64_t band_;          ///< cells in memory
  std::vector<std::int32_t> order_;  ///< the token of each cell; the last one is that of empty cells
  std::vector<tokens::Scan2dState> states_;
};

}  // namespace histojet::models
