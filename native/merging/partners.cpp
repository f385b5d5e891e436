#include "merging/partners.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/executor.hpp"
#include "kernels/token_similarity/nearest_rows.hpp"

namespace histojet::merging {
namespace {

using kernels::kPanelColumns;
using kernels::kRowGroup;
using kernels::unit_groups;

/// Multiply-adds that are worth a part of their own (some 0.1 ms).
constexpr double kPartProducts = 8e6;
/// Rows at a time against all columns: they stay in the second-level cache.
constexpr std::int64_t kRowsBytes = 256 << 10;

std::int64_t size_of(const std::vector<std::int32_t>& list) {
  return static_cast<std::int64_t>(list.size());
}

double products(const PartnerSearch& search, std::int64_t channels) {
  const double rows = static_cast<double>(search.sides->seekers.size());
  return rows * (static_cast<double>(search.sides->targets.size()) + 64) * static_cast<double>(channels);
}

/// One search at a time, its rows in parts.
class Finder {
 public:
  Finder(std::int64_t channels, const Run& run) : channels_(channels), run_(run) {}

  void find(const PartnerSearch& search, Partners& found, int threads) {
    const std::vector<std::int32_t>& seekers = search.sides->seekers;
    found.similarity.resize(seekers.size());
    found.partner.resize(seekers.size());
    prepare_panels(search, threads);
    const std::int64_t part = rows_per_part(size_of(seekers), threads);
    Executor::instance().parallel_for(ceil_div(size_of(seekers), part), threads, [&](std::int64_t i) {
      run_.cancel.throw_if_cancelled();
      find_rows(search, found, i * part, std::min(part, size_of(seekers) - i * part));
    });
  }

 private:
  std::int64_t rows_per_part(std::int64_t rows, int threads) const {
    const std::int64_t fitting = kRowsBytes / 4 / std::max<std::int64_t>(channels_, 1) / kRowGroup * kRowGroup;
    const std::int64_t most = std::clamp<std::int64_t>(fitting, 8 * kRowGroup, 512);
    if (threads == 1) return most;
    const int all = threads == 0 ? Executor::instance().thread_count() : threads;
    return std::clamp(ceil_div(rows, 4 * all * kRowGroup) * kRowGroup, 2 * kRowGroup, most);
  }

  void prepare_panels(const PartnerSearch& search, int threads) {
    const std::vector<std::int32_t>& targets = search.sides->targets;
    const std::int64_t groups = unit_groups(size_of(targets), kPanelColumns);
    const std::int64_t floats = groups * kPanelColumns * channels_;
    if (floats > panel_floats_) {
      panels_ = make_aligned<float>(static_cast<std::size_t>(floats));
      panel_floats_ = floats;
    }
    constexpr std::int64_t kGroups = 16;
    Executor::instance().parallel_for(ceil_div(groups, kGroups), threads, [&](std::int64_t i) {
      const std::int64_t first = i * kGroups * kPanelColumns;
      kernels::kUnitRows.pick(run_.isa)({.rows = search.metric,
                                         .row_floats = channels_,
                                         .chosen = targets.data() + first,
                                         .count = std::min(kGroups * kPanelColumns, size_of(targets) - first),
                                         .channels = channels_,
                                         .group = kPanelColumns,
                                         .out = panels_.get() + first * channels_});
    });
  }

  void find_rows(const PartnerSearch& search, Partners& found, std::int64_t first, std::int64_t count) const {
    const auto rows =
        make_aligned<float>(static_cast<std::size_t>(unit_groups(count, kRowGroup) * kRowGroup * channels_));
    kernels::kUnitRows.pick(run_.isa)({.rows = search.metric,
                                       .row_floats = channels_,
                                       .chosen = search.sides->seekers.data() + first,
                                       .count = count,
                                       .channels = channels_,
                                       .group = kRowGroup,
                                       .out = rows.get()});
    kernels::kNearestRows.pick(run_.isa)({.rows = rows.get(),
                                          .panels = panels_.get(),
                                          .row_count = count,
                                          .column_count = size_of(search.sides->targets),
                                          .channels = channels_,
                                          .best = found.similarity.data() + first,
                                          .column = found.partner.data() + first});
  }

  std::int64_t channels_;
  const Run& run_;
  AlignedBuffer<float> panels_;
  std::int64_t panel_floats_ = 0;
};

/// Rises as the similarity falls; equal similarities (also 0 and -0) have equal keys.
std::uint32_t falling_key(float similarity) {
  const auto bits = std::bit_cast<std::uint32_t>(similarity + 0.0f);
  return bits & 0x80000000U ? bits : ~bits & 0x7fffffffU;
}

}  // namespace

std::vector<Partners> find_partners(std::span<const PartnerSearch> searches, std::int64_t channels, const Run& run) {
  std::vector<Partners> found(searches.size());
  double total = 0;
  for (const PartnerSearch& search : searches) total += products(search, channels);
  const auto count = static_cast<std::int64_t>(searches.size());
  const int all = run.threads == 0 ? Executor::instance().thread_count() : run.threads;
  if (total < kPartProducts || count >= 4 * all) {
    // Searches side by side, so many in a part that a part is worth its start.
    const double parts = std::max(1.0, std::min(static_cast<double>(count), total / kPartProducts));
    const std::int64_t step = ceil_div(count, static_cast<std::int64_t>(parts));
    Executor::instance().parallel_for(
        ceil_div(count, std::max<std::int64_t>(step, 1)), run.threads, [&](std::int64_t part) {
          Finder finder(channels, run);
          const std::int64_t end = std::min(count, (part + 1) * step);
          for (std::int64_t i = part * step; i < end; ++i) {
            finder.find(searches[static_cast<std::size_t>(i)], found[static_cast<std::size_t>(i)], 1);
          }
        });
    return found;
  }
  Finder finder(channels, run);
  for (std::size_t i = 0; i < searches.size(); ++i) finder.find(searches[i], found[i], run.threads);
  return found;
}

Ranking rank(const Partners& partners) {
  std::vector<std::uint64_t> keys(partners.partner.size());
  Ranking ranking{.order = std::vector<std::int32_t>(keys.size()), .mergeable = 0};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool mergeable = partners.partner[i] >= 0;
    const std::uint64_t key = mergeable ? falling_key(partners.similarity[i]) : 0xffffffffU;
    keys[i] = key << 32 | i;
    ranking.mergeable += mergeable;
  }
  std::sort(keys.begin(), keys.end());
  std::transform(keys.begin(), keys.end(), ranking.order.begin(),
                 [](std::uint64_t key) { return static_cast<std::int32_t>(key & 0xffffffffU); });
  return ranking;
}

}  // namespace histojet::merging
