#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Softmax of rows of floats: out[i] = e^(scale in[i] - m) / sum of the row's, with m the row's largest scale in[i], in
/// float32 (the scalar variant: double precision), rounded to the storage at the end. -infinity gives 0; a row of
/// nothing but -infinity gives zeros.
///
/// Rows hold `padded_channels(columns)` values: the additional ones are not looked at in `in` and are zero in `out`.
/// `in` may be `out` with Storage::kFloat32. A row's result depends on nothing but the row.
struct SoftmaxArgs {
  const float* in;  ///< row 0
  RowOut out;       ///< row 0
  std::int64_t in_row_floats;
  std::int64_t out_row_bytes;
  std::int64_t rows;
  std::int64_t columns;
  float scale;
  Storage out_storage;
};

extern const KernelTable<SoftmaxArgs> kSoftmax;

namespace scalar {
void softmax(const SoftmaxArgs& args);
}
namespace avx2 {
void softmax(const SoftmaxArgs& args);
}
namespace avx512 {
void softmax(const SoftmaxArgs& args);
}
namespace avx512bf16 {
void softmax(const SoftmaxArgs& args);
}

}  // namespace histojet::kernels
