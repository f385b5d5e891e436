#pragma once

#include <cstdint>

#include "base/bfloat16.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// One block of keys of a streamed softmax. Per query: t[k] = scale scores[k] + bias[k]; largest' = max(largest, t);
/// factor = e^(largest - largest'); weights[k] = e^(t[k] - largest'); sum' = sum factor + sum of weights (before they
/// are rounded). Weights from `keys` up to a multiple of 32 are zero. -infinity everywhere leaves largest and sum as
/// they were.
struct SoftmaxBlockArgs {
  float* scores;  ///< overwritten
  std::int64_t scores_row_floats;
  const float* bias;  ///< may be null
  std::int64_t bias_row_floats;
  RowOut weights;
  std::int64_t weights_row_bytes;
  std::int64_t queries;
  std::int64_t keys;
  float scale;
  float* largest;  ///< [queries]
  float* sum;      ///< [queries]
  float* factor;   ///< [queries]
  Storage storage;
};

/// Adds the product of one block: sums[q] = first ? part[q] : sums[q] factor[q] + part[q]; with the last block
/// out[q] = sums[q] / sum[q], or 0 where the sum is 0. `dim` values per query, a multiple of 16.
struct MergeBlockArgs {
  const float* part;  ///< [queries][dim]
  float* sums;        ///< [queries][dim]
  const float* factor;
  const float* sum;
  RowOut out;
  std::int64_t out_row_bytes;
  std::int64_t queries;
  std::int64_t dim;
  bool first;
  bool last;
  Storage storage;
};

/// Tiles of weights of the tile kernel ([i][column][j]: element 2i + j of a step) from one plane of rows of bfloat16.
/// `transposed`: columns are rows of the matrix (keys), elements its columns; else elements are rows (values). What
/// lies beyond `rows` or `columns` of the matrix is zero.
struct PackTileArgs {
  const std::byte* matrix;  ///< the tile's first row and column
  std::int64_t row_bytes;
  std::int64_t rows;
  std::int64_t columns;
  bool transposed;
  Bfloat16* tile;  ///< [16][16][2]
};

/// Product of rows of bfloat16 with tiles of weights, summed as `Conv2dBf16Args` says: out[r][n] = sum over the steps
/// and their 32 elements. Rows are read and written up to a multiple of 16.
struct TileProductArgs {
  const std::byte* rows[2];  ///< row 0 of each plane
  std::int64_t row_bytes;
  std::int64_t row_count;
  const TileStep* steps;  ///< which plane, and where in the row; strides are not looked at
  std::int64_t step_count;
  const Bfloat16* tiles;  ///< [columns / 16][step_count][16][16][2]
  std::int64_t columns;   ///< a multiple of 16
  float* out;
  std::int64_t out_row_floats;
};

extern const KernelTable<TileProductArgs> kTileProduct;
extern const KernelTable<SoftmaxBlockArgs> kSoftmaxBlock;
extern const KernelTable<MergeBlockArgs> kMergeBlock;
extern const KernelTable<PackTileArgs> kPackTile;

namespace scalar {
void tile_product(const TileProductArgs& args);
void softmax_block(const SoftmaxBlockArgs& args);
void merge_block(const MergeBlockArgs& args);
void pack_tile(const PackTileArgs& args);
}  // namespace scalar
namespace avx2 {
void softmax_block(const SoftmaxBlockArgs& args);
void merge_block(const MergeBlockArgs& args);
}  // namespace avx2
namespace avx512 {
void softmax_block(const SoftmaxBlockArgs& args);
void merge_block(const MergeBlockArgs& args);
}  // namespace avx512
namespace avx512bf16 {
void tile_product(const TileProductArgs& args);
void softmax_block(const SoftmaxBlockArgs& args);
void merge_block(const MergeBlockArgs& args);
void pack_tile(const PackTileArgs& args);
}  // namespace avx512bf16
namespace amx {
void tile_product(const TileProductArgs& args);
}

}  // namespace histojet::kernels
