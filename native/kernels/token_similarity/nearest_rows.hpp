#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"
#include "kernels/token_similarity/unit_rows.hpp"

namespace histojet::kernels {

/// For each row the column with the largest scalar product, without a matrix of products in memory: of equal ones the
/// lowest column; products that are NaN are passed over. Both sides come from kUnitRows.
///
/// A product is one chain of fused multiply-adds over the channels in their order, in every variant and wherever the
/// row and the column lie: equal rows have equal products, and results depend neither on the instruction set nor on how
/// the rows are split between calls (at multiples of kRowGroup).
struct NearestRowsArgs {
  const float* rows;    ///< [groups][channels][kRowGroup]
  const float* panels;  ///< [groups][channels][kPanelColumns]
  std::int64_t row_count;
  std::int64_t column_count;
  std::int64_t channels;
  float* best;           ///< [row_count] the largest product, -infinity without any
  std::int32_t* column;  ///< [row_count] its column, -1 without any
};

extern const KernelTable<NearestRowsArgs> kNearestRows;

namespace scalar {
void nearest_rows(const NearestRowsArgs& args);
}
namespace avx2 {
void nearest_rows(const NearestRowsArgs& args);
}
namespace avx512 {
void nearest_rows(const NearestRowsArgs& args);
}

}  // namespace histojet::kernels
