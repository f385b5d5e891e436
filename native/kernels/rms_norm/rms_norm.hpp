#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Root-mean-square normalisation of rows: out = x / sqrt(mean(x²) + epsilon) * gamma, as RMSNorm of LLaMA and Mamba
/// (no mean is taken off). Sums in float32 (the scalar variant: double precision).
///
/// Rows hold `padded_channels(channels)` values: the additional ones are not looked at in `in` and are zero in `out`.
/// `in` may be `out` when the storages agree. A row's result depends on nothing but the row.
struct RmsNormArgs {
  RowIn in;    ///< row 0
  RowOut out;  ///< row 0
  std::int64_t in_row_bytes;
  std::int64_t out_row_bytes;
  std::int64_t rows;
  std::int64_t channels;
  const float* gamma;  ///< [padded_channels(channels)]; null: 1
  float epsilon;
  Storage in_storage;
  Storage out_storage;
};

extern const KernelTable<RmsNormArgs> kRmsNorm;

namespace scalar {
void rms_norm(const RmsNormArgs& args);
}
namespace avx2 {
void rms_norm(const RmsNormArgs& args);
}
namespace avx512 {
void rms_norm(const RmsNormArgs& args);
}
namespace avx512bf16 {
void rms_norm(const RmsNormArgs& args);
}

}  // namespace histojet::kernels
