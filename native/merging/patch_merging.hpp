#pragma once

#include <cstdint>
#include <span>

#include "kernels/gemm/gemm.hpp"
#include "merging/run.hpp"

namespace histojet::merging {

/// A grid of tokens, [batch][height][width][channels].
struct TokenGrid {
  std::int64_t batch;
  std::int64_t height;
  std::int64_t width;
  std::int64_t channels;
};

/// Fixed merging of 2 x 2 tokens as in Swin and VMamba: the four side by side, in the order (0,0), (1,0), (0,1), (1,1)
/// of (row, column), then layer normalisation over 4 * channels, then a linear layer without bias. Grids of odd sizes
/// are padded with zeros at the bottom and on the right. float32. Immutable; shared by threads.
///
/// The scale of the normalisation is part of the packed weights and its offset their bias, so that only the mean and
/// the deviation of each row remain to be done.
class PatchMerging {
 public:
  /// `reduction`: [outputs][4 * channels] (`reduction.weight`); `gamma`, `beta`: [4 * channels] (`norm.weight`,
  /// `norm.bias`). @throws Error kShapeMismatch.
  PatchMerging(std::span<const float> reduction, std::span<const float> gamma, std::span<const float> beta,
               std::int64_t outputs, float epsilon = 1e-5f, Isa isa = active_isa());

  std::int64_t channels() const { return depth_ / 4; }
  std::int64_t outputs() const { return outputs_; }

  /// x: the grid → out: [batch][ceil(height / 2)][ceil(width / 2)][outputs]. @throws Error kShapeMismatch for other
  /// channels.
  void forward(const float* x, const TokenGrid& grid, float* out, const Run& run = {}) const;
  /// The same for tokens in Z order, where the four of a merged token follow each other as (0,0), (0,1), (1,0), (1,1):
  /// x: [merged_tokens][4][channels] → out: [merged_tokens][outputs].
  void forward_z_order(const float* x, std::int64_t merged_tokens, float* out, const Run& run = {}) const;

 private:
  template <class Gather>
  void run_rows(std::int64_t rows, const Run& run, float* out, const Gather& gather) const;

  std::int64_t depth_;
  std::int64_t outputs_;
  float epsilon_;
  Isa isa_;
  kernels::GemmWeights weights_;
};

/// The mean of each 2 x 2 tokens: x → out: [batch][ceil(height / 2)][ceil(width / 2)][channels]. At odd borders the
/// mean is that of the tokens that exist.
void average_patches(const float* x, const TokenGrid& grid, float* out, const Run& run = {});

}  // namespace histojet::merging
