#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Layer normalisation of rows: out = (x - mean) / sqrt(variance + epsilon) * gamma + beta, with the mean and the
/// (biased) variance of the row's `channels` values, as torch.nn.LayerNorm. Statistics in float32 (the scalar variant:
/// double precision) over two passes, so that a large mean does not cost digits.
///
/// Rows hold `padded_channels(channels)` values: the additional ones are not looked at in `in` and are zero in `out`.
/// `in` may be `out` when the storages agree. A row's result depends on nothing but the row.
struct LayerNormArgs {
  RowIn in;    ///< row 0
  RowOut out;  ///< row 0
  std::int64_t in_row_bytes;
  std::int64_t out_row_bytes;
  std::int64_t rows;
  std::int64_t channels;
  const float* gamma;  ///< [padded_channels(channels)]; null: 1
  const float* beta;   ///< as `gamma`; null: 0
  float epsilon;
  Storage in_storage;
  Storage out_storage;
};

extern const KernelTable<LayerNormArgs> kLayerNorm;

namespace scalar {
void layer_norm(const LayerNormArgs& args);
}
namespace avx2 {
void layer_norm(const LayerNormArgs& args);
}
namespace avx512 {
void layer_norm(const LayerNormArgs& args);
}
namespace avx512bf16 {
void layer_norm(const LayerNormArgs& args);
}

}  // namespace histojet::kernels
