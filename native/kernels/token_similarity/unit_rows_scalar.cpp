#include <cmath>
#include <limits>

#include "kernels/token_similarity/unit_rows.hpp"

namespace histojet::kernels::scalar {
namespace {

/// 1 / norm, 0 for a zero row, NaN for one that is not finite. Squares of floats are exact in double precision and
/// cannot overflow; the order of the eight sums is the vectors' order.
float inverse_norm(const float* row, std::int64_t channels) {
  double sums[8] = {};
  for (std::int64_t c = 0; c < channels; ++c) sums[c % 8] += static_cast<double>(row[c]) * row[c];
  for (int half = 4; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  const double norm = std::sqrt(sums[0]);
  if (!(norm <= std::numeric_limits<double>::max())) return std::numeric_limits<float>::quiet_NaN();
  return norm < kSmallestNorm ? 0.0f : static_cast<float>(1 / norm);
}

}  // namespace

void unit_rows(const UnitRowsArgs& args) {
  for (std::int64_t i = 0; i < unit_groups(args.count, args.group) * args.group; ++i) {
    float* out = args.out + i / args.group * args.group * args.channels + i % args.group;
    const std::int32_t token = i < args.count ? args.chosen[i] : -1;
    const float* row = args.rows + token * args.row_floats;
    const float factor = token < 0 ? 0 : inverse_norm(row, args.channels);
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const float value = factor == 0 ? 0 : row[c] * factor;
      out[c * args.group] = token < 0 ? std::numeric_limits<float>::quiet_NaN() : value;
    }
  }
}

}  // namespace histojet::kernels::scalar
