#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// What becomes of several rows that turn into one. A row alone is copied.
enum class Combination {
  kSum,
  kMean,
  kMax,       ///< NaN where one is NaN
  kWeighted,  ///< sum of weight * row, divided by the sum of the weights
};

/// out[i] = the rows members[starts[i]], …, members[starts[i + 1] - 1] combined, in this order. All variants give
/// identical bits.
struct CombineRowsArgs {
  const float* rows;  ///< row 0
  std::int64_t row_floats;
  const std::int32_t* starts;  ///< [count + 1], rising; no row of `out` is without members
  const std::int32_t* members;
  const float* weights;  ///< of the rows; kWeighted only
  float* out;            ///< row 0; rows lie `channels` apart
  std::int64_t count;
  std::int64_t channels;
  Combination combination;
};

extern const KernelTable<CombineRowsArgs> kCombineRows;

namespace scalar {
void combine_rows(const CombineRowsArgs& args);
}
namespace avx2 {
void combine_rows(const CombineRowsArgs& args);
}
namespace avx512 {
void combine_rows(const CombineRowsArgs& args);
}

}  // namespace histojet::kernels
