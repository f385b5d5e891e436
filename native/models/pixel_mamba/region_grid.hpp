#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "models/pixel_mamba/layers.hpp"

namespace histojet::models {

/// The tokens of one region as a grid that blocks scan (ScanKind::kCross2d, kScan2d). Immutable, shared by threads.
class RegionGrid {
 public:
  RegionGrid() = default;
  explicit RegionGrid(const StageForm& form);

  bool empty() const { return order_.empty(); }
  /// The block's mixer, added to the tokens in place; `other`: memory for as many, both `step` floats apart.
  void run(const PixelBlock& block, float* tokens, float* other, std::int64_t step, PixelScratch& scratch, int threads,
           const CancelToken& cancel) const;

 private:
  GridSize grid_;
  std::vector<std::int32_t> order_;  ///< token at each place of the grid, row by row
};

}  // namespace histojet::models
