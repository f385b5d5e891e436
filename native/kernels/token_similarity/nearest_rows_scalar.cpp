#include <cmath>
#include <limits>

#include "kernels/token_similarity/nearest_rows.hpp"

namespace histojet::kernels::scalar {
namespace {

float product(const float* row, const float* column, std::int64_t channels) {
  float sum = 0;
  for (std::int64_t c = 0; c < channels; ++c) sum = std::fma(row[c * kRowGroup], column[c * kPanelColumns], sum);
  return sum;
}

}  // namespace

void nearest_rows(const NearestRowsArgs& args) {
  for (std::int64_t i = 0; i < args.row_count; ++i) {
    const float* row = args.rows + i / kRowGroup * kRowGroup * args.channels + i % kRowGroup;
    float best = -std::numeric_limits<float>::infinity();
    std::int64_t column = -1;
    for (std::int64_t j = 0; j < args.column_count; ++j) {
      const float* panel = args.panels + j / kPanelColumns * kPanelColumns * args.channels + j % kPanelColumns;
      const float value = product(row, panel, args.channels);
      if (value > best) {
        best = value;
        column = j;
      }
    }
    args.best[i] = best;
    args.column[i] = static_cast<std::int32_t>(column);
  }
}

}  // namespace histojet::kernels::scalar
