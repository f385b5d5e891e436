#include "explain/block_rollout.hpp"

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "explain/branch_sweep.hpp"

namespace histojet::explain {
namespace {

constexpr float kLeastRowSum = 1e-6F;

using Values = std::vector<float>;

/// Results of both directions, the second one zeros where there is none.
struct BothWays {
  Values forward;
  Values backward;

  explicit BothWays(std::size_t tokens) : forward(tokens), backward(tokens) {}
  float sum(std::size_t i, float factor) const { return factor * (forward[i] + backward[i]); }
};

void expect_tokens(const BlockTerms& terms, std::size_t found) {
  if (static_cast<std::size_t>(terms.tokens()) == found) return;
  throw Error(ErrorCode::kShapeMismatch, "roll-out: " + std::to_string(found) + " values, expected one for each of " +
                                             std::to_string(terms.tokens()) + " tokens");
}

/// Calls `work` for the directions that the block has, side by side if there are threads.
template <class Work>
void for_directions(const BlockTerms& terms, const RolloutOptions& options, const Work& work) {
  Executor::instance().parallel_for(terms.has(Direction::kBackward) ? 2 : 1, options.threads,
                                    [&](std::int64_t i) { work(i == 0 ? Direction::kForward : Direction::kBackward); });
}

BothWays row_sums(BlockTerms& terms, const RolloutOptions& options) {
  BothWays sums(static_cast<std::size_t>(terms.tokens()));
  for_directions(terms, options, [&](Direction direction) {
    Values& to = direction == Direction::kForward ? sums.forward : sums.backward;
    BranchSweep(terms, direction, options).row_sums(to.data());
  });
  return sums;
}

float least(float row_sum) {
  return std::fabs(row_sum) < kLeastRowSum ? std::copysign(kLeastRowSum, row_sum) : row_sum;
}

}  // namespace

void rollout_block(BlockTerms& terms, const RolloutOptions& options, Relevance& relevance) {
  expect_tokens(terms, relevance.all.size());
  const bool with_local = options.local_segment > 0;
  if (with_local && options.backward_segment > options.local_segment &&
      options.backward_segment % options.local_segment != 0) {
    throw Error(ErrorCode::kInvalidArgument, "roll-out: local segments of " + std::to_string(options.local_segment) +
                                                 " tokens cross the borders of backward ones of " +
                                                 std::to_string(options.backward_segment));
  }
  if (with_local) expect_tokens(terms, relevance.local.size());
  const std::size_t tokens = relevance.all.size();
  if (tokens == 0) return;
  const auto factor = static_cast<float>(terms.factor());
  BothWays sums = row_sums(terms, options);
  for (std::size_t i = 0; i < tokens; ++i) {
    const float row_sum = least(1 + sums.sum(i, factor));
    relevance.all[i] /= row_sum;
    if (with_local) relevance.local[i] /= row_sum;
  }
  BothWays local(with_local ? tokens : 0);
  for_directions(terms, options, [&](Direction direction) {
    const bool forward = direction == Direction::kForward;
    const BranchSweep::Columns all{relevance.all.data(), forward ? sums.forward.data() : sums.backward.data()};
    const BranchSweep::Columns near{with_local ? relevance.local.data() : nullptr,
                                    forward ? local.forward.data() : local.backward.data(), options.local_segment};
    BranchSweep(terms, direction, options).column_sums(all, near);
  });
  for (std::size_t i = 0; i < tokens; ++i) {
    relevance.all[i] += sums.sum(i, factor);
    if (with_local) relevance.local[i] += local.sum(i, factor);
  }
}

std::vector<float> attention_row_sums(BlockTerms& terms, const RolloutOptions& options) {
  BothWays sums = row_sums(terms, options);
  const auto factor = static_cast<float>(terms.factor());
  for (std::size_t i = 0; i < sums.forward.size(); ++i) sums.forward[i] = 1 + sums.sum(i, factor);
  return std::move(sums.forward);
}

std::vector<float> attention_column_sums(BlockTerms& terms, const RolloutOptions& options,
                                         const std::vector<float>& weight) {
  expect_tokens(terms, weight.size());
  BothWays sums(weight.size());
  for_directions(terms, options, [&](Direction direction) {
    Values& to = direction == Direction::kForward ? sums.forward : sums.backward;
    BranchSweep(terms, direction, options).column_sums({weight.data(), to.data()}, {});
  });
  const auto factor = static_cast<float>(terms.factor());
  for (std::size_t i = 0; i < weight.size(); ++i) sums.forward[i] = sums.sum(i, factor);
  return std::move(sums.forward);
}

}  // namespace histojet::explain
