#include "explain/merge_relevance.hpp"

#include <array>

#include "base/executor.hpp"

namespace histojet::explain {
namespace {

using Four = std::array<float, 4>;

/// Tokens of the finer stage, side by side.
AlignedBuffer<float> read_children(const MergeGroup& group, const TokenReader& tokens, std::int64_t step) {
  auto rows = make_aligned<float>(group.children.size() * static_cast<std::size_t>(step));
  for (std::size_t i = 0; i < group.children.size();) {
    std::size_t end = i + 1;
    while (end < group.children.size() && group.children[end] == group.children[end - 1] + 1) ++end;
    tokens.read(group.children[i], static_cast<std::int64_t>(end - i), rows.get() + i * static_cast<std::size_t>(step),
                step);
    i = end;
  }
  return rows;
}

/// The part of each child, 1 in all; equal parts where nothing else is known.
Four parts_of(const std::array<std::int32_t, 4>& sources, const Four& sizes) {
  float sum = 0;
  int there = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    if (sources[k] < 0) continue;
    sum += sizes[k];
    ++there;
  }
  Four parts{};
  for (std::size_t k = 0; k < 4; ++k) {
    if (sources[k] >= 0) parts[k] = sum > 0 ? sizes[k] / sum : 1 / static_cast<float>(there);
  }
  return parts;
}

void share(const MergeGroup& group, const std::vector<Four>& sizes, const std::vector<float>& from,
           std::vector<float>& to) {
  for (std::size_t i = 0; i < group.sources.size(); ++i) {
    const float value = from[static_cast<std::size_t>(group.first) + i];
    const Four parts = parts_of(group.sources[i], sizes[i]);
    for (std::size_t k = 0; k < 4; ++k) {
      const std::int32_t source = group.sources[i][k];
      if (source < 0) continue;
      to[static_cast<std::size_t>(group.children[static_cast<std::size_t>(source)])] += value * parts[k];
    }
  }
}

}  // namespace

Relevance share_among_children(const models::TokenMerge& merge, const MergePlan& plan, const TokenReader& children,
                               ChildShares shares, const Relevance& relevance, int threads, const CancelToken& cancel) {
  Relevance finer{std::vector<float>(static_cast<std::size_t>(children.tokens())), {}};
  if (!relevance.local.empty()) finer.local.resize(finer.all.size());
  const std::int64_t step = models::token_step(merge.in());
  // Every token has one parent, so that groups write to places of their own.
  Executor::instance().parallel_for(plan.groups(), threads, [&](std::int64_t index) {
    cancel.throw_if_cancelled();
    const MergeGroup group = plan.group(index);
    std::vector<Four> sizes(group.sources.size());
    if (shares == ChildShares::kNorms) {
      models::PixelScratch scratch;
      const AlignedBuffer<float> rows = read_children(group, children, step);
      merge.child_norms(rows.get(), group.sources, sizes.data(), scratch);
    }
    share(group, sizes, relevance.all, finer.all);
    if (!relevance.local.empty()) share(group, sizes, relevance.local, finer.local);
  });
  return finer;
}

}  // namespace histojet::explain
