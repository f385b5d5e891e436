#include <algorithm>
#include <numeric>

#include "base/checked.hpp"
#include "merging/sides.hpp"

namespace histojet::merging {
namespace {

/// Windows of each sequence, and what they share.
class Windows {
 public:
  Windows(const Metric& metric, const BipartiteOptions& options)
      : metric_(metric),
        options_(options),
        length_(options.window > 0 && options.window < metric.tokens ? options.window : metric.tokens),
        count_(length_ == 0 ? 0 : ceil_div(metric.tokens, length_)) {
    for (std::int64_t w : {std::int64_t{0}, std::int64_t{1}, count_ - 1}) {
      sides_.push_back(w < 0 || w >= count_ ? Sides{} : make_sides(w));
    }
  }

  std::int64_t count() const { return count_; }
  std::int64_t first(std::int64_t w) const { return w * length_; }
  std::int64_t tokens(std::int64_t w) const { return std::min(length_, metric_.tokens - first(w)); }
  /// The first and the last window differ from the others.
  const Sides& sides(std::int64_t w) const { return sides_[w == 0 ? 0 : w == count_ - 1 ? 2 : 1]; }
  bool has_class_token(std::int64_t w) const { return options_.class_token && w == 0; }
  bool has_distill_token(std::int64_t w) const { return options_.distill_token && w == 0; }

  /// Tokens that window w shall lose: its share of r, at most half of its unprotected ones.
  std::int64_t quota(std::int64_t w) const {
    const std::int64_t unprotected = tokens(w) - has_class_token(w) - has_distill_token(w);
    const std::int64_t share = share_before(first(w) + tokens(w)) - share_before(first(w));
    return std::max<std::int64_t>(0, std::min(share, unprotected / 2));
  }

  std::vector<PartnerSearch> searches() const {
    std::vector<PartnerSearch> result;
    for (std::int64_t sample = 0; sample < metric_.batch; ++sample) {
      for (std::int64_t w = 0; w < count_; ++w) {
        result.push_back({metric_.values + (sample * metric_.tokens + first(w)) * metric_.channels, &sides(w)});
      }
    }
    return result;
  }

 private:
  Sides make_sides(std::int64_t w) const {
    Sides sides;
    for (std::int32_t t = 0; t < tokens(w); ++t) (t % 2 == 0 ? sides.seekers : sides.targets).push_back(t);
    if (has_distill_token(w) && !sides.targets.empty()) sides.targets[0] = -1;
    return sides;
  }
  /// Tokens that all windows before token t shall lose together.
  std::int64_t share_before(std::int64_t t) const {
    const std::int64_t r = std::min(options_.r, metric_.tokens);
    return static_cast<std::int64_t>(static_cast<__int128>(r) * t / metric_.tokens);
  }

  const Metric& metric_;
  const BipartiteOptions& options_;
  std::int64_t length_, count_;
  std::vector<Sides> sides_;
};

/// One window after its r best pairs have merged.
Outcome merge_window(const Windows& windows, std::int64_t w, bool keep_order, const Partners& partners,
                     const Ranking& ranking, std::int64_t r) {
  const auto tokens = static_cast<std::int32_t>(windows.tokens(w));
  Outcome outcome(tokens);
  if (r == 0) {
    for (std::int32_t t = 0; t < tokens; ++t) outcome.add_head(t);
    return outcome;
  }
  // Seeker i is token 2 i, target i is token 2 i + 1.
  std::vector<std::int32_t> unmerged(ranking.order.begin() + r, ranking.order.end());
  if (windows.has_class_token(w)) std::sort(unmerged.begin(), unmerged.end());
  const bool paired = windows.has_distill_token(w) && !unmerged.empty();
  if (paired) {
    outcome.add_head(2 * unmerged[0]);
    outcome.add_head(1);
  }
  for (std::size_t i = paired ? 1 : 0; i < unmerged.size(); ++i) outcome.add_head(2 * unmerged[i]);
  for (std::int32_t t = paired ? 3 : 1; t < tokens; t += 2) outcome.add_head(t);
  for (std::int64_t i = 0; i < r; ++i) {
    const std::int32_t seeker = ranking.order[static_cast<std::size_t>(i)];
    outcome.join(2 * seeker, 2 * partners.partner[static_cast<std::size_t>(seeker)] + 1);
  }
  if (keep_order) outcome.sort_by_first_member();
  return outcome;
}

}  // namespace

MergeMap bipartite_matching(const Metric& metric, const BipartiteOptions& options, const Run& run) {
  check_metric(metric);
  check_least("r", options.r, 0);
  check_least("window", options.window, 0);
  const Windows windows(metric, options);
  std::vector<std::int64_t> quota(static_cast<std::size_t>(windows.count()));
  for (std::size_t w = 0; w < quota.size(); ++w) quota[w] = windows.quota(static_cast<std::int64_t>(w));
  if (std::accumulate(quota.begin(), quota.end(), std::int64_t{0}) == 0) {
    return MergeMap::identity(metric.batch, metric.tokens);
  }
  const std::vector<PartnerSearch> searches = windows.searches();
  std::vector<Partners> partners = find_partners(searches, metric.channels, run);
  std::vector<Ranking> rankings(partners.size());
  for (std::size_t i = 0; i < partners.size(); ++i) {
    const std::size_t w = i % quota.size();
    if (windows.has_class_token(static_cast<std::int64_t>(w))) partners[i].partner[0] = -1;
    rankings[i] = rank(partners[i]);
    quota[w] = std::min(quota[w], rankings[i].mergeable);
  }
  std::vector<std::int32_t> owner(static_cast<std::size_t>(metric.batch * metric.tokens));
  for (std::int64_t sample = 0; sample < metric.batch; ++sample) {
    std::int32_t next = 0;
    for (std::int64_t w = 0; w < windows.count(); ++w) {
      const auto i = static_cast<std::size_t>(sample * windows.count() + w);
      next = merge_window(windows, w, options.keep_order, partners[i], rankings[i], quota[static_cast<std::size_t>(w)])
                 .write_owners(owner.data() + sample * metric.tokens + windows.first(w), next);
    }
  }
  const std::int64_t removed = std::accumulate(quota.begin(), quota.end(), std::int64_t{0});
  return {metric.batch, metric.tokens, metric.tokens - removed, std::move(owner)};
}

}  // namespace histojet::merging
