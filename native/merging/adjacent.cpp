#include <algorithm>
#include <cmath>

#include "base/checked.hpp"
#include "base/executor.hpp"
#include "kernels/token_similarity/unit_rows.hpp"
#include "merging/sides.hpp"

namespace histojet::merging {
namespace {

constexpr std::int64_t kPartFloats = 256 << 10;
/// Sums side by side, so that additions need not wait for each other. Their order is fixed.
constexpr int kSums = 4;

double dot(const float* a, const float* b, std::int64_t channels) {
  double sums[kSums] = {};
  std::int64_t c = 0;
  for (; c + kSums <= channels; c += kSums) {
    for (int i = 0; i < kSums; ++i) sums[i] += static_cast<double>(a[c + i]) * b[c + i];
  }
  for (; c < channels; ++c) sums[0] += static_cast<double>(a[c]) * b[c];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double norm(const float* row, std::int64_t channels) {
  return std::sqrt(dot(row, row, channels));
}

/// Whether the rows are similar; NaN is similar to nothing.
bool are_similar(const float* a, const float* b, double norm_a, double norm_b, std::int64_t channels,
                 double threshold) {
  if (!(std::isfinite(norm_a) && std::isfinite(norm_b))) return false;
  const bool zero = std::min(norm_a, norm_b) < kernels::kSmallestNorm;
  return (zero ? 0 : dot(a, b, channels) / norm_a / norm_b) > threshold;
}

}  // namespace

MergeMap adjacent_matching(const Metric& metric, const AdjacentOptions& options, const Run& run) {
  check_metric(metric);
  check_least("longest", options.longest, 0);
  if (metric.batch != 1) {
    throw Error(ErrorCode::kShapeMismatch,
                "metric has " + std::to_string(metric.batch) + " sequences, expected 1: their lengths would differ");
  }
  // joins[t]: token t belongs to the run of token t - 1.
  std::vector<std::uint8_t> joins(static_cast<std::size_t>(metric.tokens));
  const std::int64_t part = std::max<std::int64_t>(kPartFloats / metric.channels, 16);
  Executor::instance().parallel_for(ceil_div(metric.tokens, part), run.threads, [&](std::int64_t i) {
    run.cancel.throw_if_cancelled();
    const std::int64_t first = std::max<std::int64_t>(i * part, 1);
    const auto row = [&](std::int64_t t) { return metric.values + t * metric.channels; };
    double before = norm(row(first - 1), metric.channels);
    for (std::int64_t t = first; t < std::min((i + 1) * part, metric.tokens); ++t) {
      const double own = norm(row(t), metric.channels);
      joins[static_cast<std::size_t>(t)] =
          are_similar(row(t - 1), row(t), before, own, metric.channels, options.threshold);
      before = own;
    }
  });
  if (options.class_token && metric.tokens > 1) joins[1] = 0;
  std::vector<std::int32_t> owner(joins.size());
  std::int32_t output = -1;
  std::int64_t length = 0;
  for (std::size_t t = 0; t < joins.size(); ++t) {
    const bool joined = joins[t] != 0 && (options.longest == 0 || length < options.longest);
    length = joined ? length + 1 : 1;
    output += !joined;
    owner[t] = output;
  }
  return {1, metric.tokens, output + 1, std::move(owner)};
}

}  // namespace histojet::merging
