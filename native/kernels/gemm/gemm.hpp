#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/activation/activation.hpp"
#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"

namespace histojet::kernels {

/// The second factor and the bias of a matrix product, in the order that the convolution kernels read: a product is a
/// convolution of 1 x 1 whose picture is one row of as many pixels as the first factor has rows. Owns its memory;
/// shared by threads.
struct GemmWeights {
  Storage storage = Storage::kFloat32;  ///< of the first factor
  Isa isa = Isa::kScalar;
  std::int64_t depth = 0;    ///< values per row of the first factor (K)
  std::int64_t columns = 0;  ///< of the product (N), rounded up to 16; the additional ones have zero weights and bias
  PackedMatrix matrix;       ///< Storage::kFloat32
  PackedTiles tiles;         ///< the other storages

  std::int64_t byte_size() const { return storage == Storage::kFloat32 ? matrix.byte_size() : tiles.byte_size(); }
};

/// weight: [columns][depth] as in PyTorch's Linear; bias: [columns], or empty for none. `isa` is that of the calls.
GemmWeights pack_gemm(std::span<const float> weight, std::span<const float> bias, std::int64_t depth, Storage storage,
                      Isa isa);

/// Memory that one call at a time works in; made for one matrix of weights, or a larger one.
struct GemmScratch {
  explicit GemmScratch(const GemmWeights& weights);

  std::vector<TileStep> steps;
  std::vector<const std::byte*> pointers;
  AlignedBuffer<float> block;  ///< results before their activation
};

/// out[m][n] = activation(bias[n] + sum over k of a[m][k] * weight[n][k]), sums in float32.
///
/// Rows of `a` have any distance (fastest: on 64-byte boundaries, and not a multiple of 2 KiB apart, see
/// `gemm_row_bytes`). With tiles (kBfloat16, kSplit) each row is read up to a multiple of 32 values, which must be
/// finite, and up to 15 rows beyond the last one are read, without influence. `weights->columns` values per row of
/// `out` are written, the additional ones being the activation of 0. Results do not depend on how the rows are split
/// between calls. `out` must not overlap `a`.
struct GemmArgs {
  RowIn a;  ///< row 0, in the storage of the weights
  std::int64_t a_row_bytes;
  RowOut out;  ///< row 0
  std::int64_t out_row_bytes;
  std::int64_t rows;
  const GemmWeights* weights;
  Activation activation = Activation::kNone;
  Storage out_storage = Storage::kFloat32;
  bool stream = false;       ///< stores past the cache: the output is larger than it and not read soon
  std::int64_t columns = 0;  ///< only the first so many, rounded up to what the kernel takes together; 0: all
  GemmScratch* scratch = nullptr;
};
void gemm(const GemmArgs& args);

/// A good distance between rows of `values` values: a multiple of 64 bytes, and an odd one, so that sixteen rows lie in
/// different sets of the first-level cache.
std::int64_t gemm_row_bytes(std::int64_t values, Storage storage);

}  // namespace histojet::kernels
