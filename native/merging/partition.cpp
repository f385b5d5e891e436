#include <algorithm>

#include "merging/sides.hpp"

namespace histojet::merging {
namespace {

std::vector<PartnerSearch> searches_of(const Metric& metric, const Sides& sides) {
  std::vector<PartnerSearch> searches;
  for (std::int64_t sample = 0; sample < metric.batch; ++sample) {
    searches.push_back({metric.values + sample * metric.tokens * metric.channels, &sides});
  }
  return searches;
}

/// Top left tokens of full cells are targets, all others seekers; both row by row.
Sides cells(const PartitionOptions& options) {
  Sides sides;
  const std::int64_t bottom = options.height / options.stride_y * options.stride_y;
  const std::int64_t right = options.width / options.stride_x * options.stride_x;
  for (std::int64_t y = 0; y < options.height; ++y) {
    for (std::int64_t x = 0; x < options.width; ++x) {
      const bool target = y < bottom && x < right && y % options.stride_y == 0 && x % options.stride_x == 0;
      (target ? sides.targets : sides.seekers).push_back(static_cast<std::int32_t>(y * options.width + x));
    }
  }
  return sides;
}

void check_grid(const Metric& metric, const PartitionOptions& options) {
  check_metric(metric);
  check_least("height", options.height, 0);
  check_least("width", options.width, 0);
  check_least("strideY", options.stride_y, 1);
  check_least("strideX", options.stride_x, 1);
  check_least("r", options.r, 0);
  std::int64_t cells;
  if (__builtin_mul_overflow(options.height, options.width, &cells) || cells != metric.tokens) {
    throw Error(ErrorCode::kShapeMismatch, "metric has " + std::to_string(metric.tokens) + " tokens, expected " +
                                               std::to_string(options.height) + " x " + std::to_string(options.width));
  }
}

}  // namespace

MergeMap kth_bipartite_matching(const Metric& metric, std::int64_t k, const Run& run) {
  check_metric(metric);
  check_least("k", k, 1);
  if (k == 1) return MergeMap::identity(metric.batch, metric.tokens);
  const std::int64_t groups = metric.tokens / k;
  Sides sides;
  for (std::int32_t t = 0; t < groups * k; ++t) (t % k == k - 1 ? sides.targets : sides.seekers).push_back(t);
  const std::vector<PartnerSearch> searches = searches_of(metric, sides);
  const std::vector<Partners> partners = find_partners(searches, metric.channels, run);
  std::vector<std::int32_t> owner(static_cast<std::size_t>(metric.batch * metric.tokens), -1);
  for (std::int64_t sample = 0; sample < metric.batch; ++sample) {
    std::int32_t* owners = owner.data() + sample * metric.tokens;
    const std::vector<std::int32_t>& partner = partners[static_cast<std::size_t>(sample)].partner;
    for (std::size_t i = 0; i < sides.seekers.size(); ++i) {
      const std::int32_t token = sides.seekers[i];
      owners[token] = partner[i] < 0 ? static_cast<std::int32_t>(token / k) : partner[i];
    }
    for (std::int32_t i = 0; i < groups; ++i) owners[sides.targets[static_cast<std::size_t>(i)]] = i;
  }
  return {metric.batch, metric.tokens, groups, std::move(owner)};
}

MergeMap partition_matching_2d(const Metric& metric, const PartitionOptions& options, const Run& run) {
  check_grid(metric, options);
  const Sides sides = cells(options);
  std::int64_t r = std::min(options.r, static_cast<std::int64_t>(sides.seekers.size()));
  std::vector<Partners> partners;
  std::vector<Ranking> rankings;
  if (r > 0) partners = find_partners(searches_of(metric, sides), metric.channels, run);
  for (const Partners& found : partners) {
    rankings.push_back(rank(found));
    r = std::min(r, rankings.back().mergeable);
  }
  if (r == 0) return MergeMap::identity(metric.batch, metric.tokens);
  std::vector<std::int32_t> owner(static_cast<std::size_t>(metric.batch * metric.tokens));
  for (std::size_t sample = 0; sample < partners.size(); ++sample) {
    Outcome outcome(metric.tokens);
    const std::vector<std::int32_t>& order = rankings[sample].order;
    for (auto seeker = order.begin() + r; seeker != order.end(); ++seeker) {
      outcome.add_head(sides.seekers[static_cast<std::size_t>(*seeker)]);
    }
    for (const std::int32_t target : sides.targets) outcome.add_head(target);
    for (auto seeker = order.begin(); seeker != order.begin() + r; ++seeker) {
      const std::int32_t partner = partners[sample].partner[static_cast<std::size_t>(*seeker)];
      outcome.join(sides.seekers[static_cast<std::size_t>(*seeker)], sides.targets[static_cast<std::size_t>(partner)]);
    }
    if (options.keep_order) outcome.sort_by_first_member();
    outcome.write_owners(owner.data() + static_cast<std::int64_t>(sample) * metric.tokens, 0);
  }
  return {metric.batch, metric.tokens, metric.tokens - r, std::move(owner)};
}

}  // namespace histojet::merging
