#include "models/pixel_mamba/region_grid.hpp"

#include <algorithm>

#include "tokens/scan2d_mixer.hpp"

namespace histojet::models {

RegionGrid::RegionGrid(const StageForm& form) : grid_(form.grid), order_(tokens::inverse_order(form.places)) {}

void RegionGrid::run(const PixelBlock& block, float* tokens, float* other, std::int64_t step, PixelScratch& scratch,
                     int threads, const CancelToken& cancel) const {
  const tokens::TokensOut out{tokens, step, order_.data()};
  if (block.cross) {
    return block.cross->accumulate(&block.norm, {tokens, step, order_.data()}, out, grid_.rows, grid_.columns,
                                   scratch.grid, threads, cancel);
  }
  // Both directions read the tokens as they were.
  std::copy_n(tokens, grid_.cells() * step, other);
  const tokens::MixerRun run{
      .in = {other, step, order_.data()}, .out = out, .tokens = grid_.cells(), .norm = &block.norm, .padded = true};
  tokens::accumulate_scan2d_all(block.mixer, run, grid_.rows, grid_.columns, scratch.mixer, threads, cancel);
}

}  // namespace histojet::models
