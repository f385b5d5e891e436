#pragma once

#include <cstdint>
#include <vector>

#include "models/pixel_mamba/forms.hpp"

namespace histojet::models {

/// Adds sines and cosines of each token's place in the grid of the whole picture, as vision transformers do (MAE,
/// MoCo v3): a token of `dim` values at (row, column) gets [sin(column * w), cos(column * w), sin(row * w),
/// cos(row * w)] with w[i] = 10000^(-i / (dim / 4)) for i < dim / 4. In double precision.
class SincosPositions {
 public:
  SincosPositions() = default;
  /// `dim`: a multiple of 4.
  explicit SincosPositions(std::int64_t dim);

  bool empty() const { return frequencies_.empty(); }
  /// `form.tokens` tokens of the region or cell at `cell`, `step` floats apart.
  void add(const StageForm& form, tokens::GridCell cell, float* tokens, std::int64_t step) const;

 private:
  /// [sin, cos] of `count` neighbouring rows or columns, dim / 2 values each.
  std::vector<float> waves(std::int64_t first, std::int64_t count) const;

  std::vector<double> frequencies_;
};

}  // namespace histojet::models
