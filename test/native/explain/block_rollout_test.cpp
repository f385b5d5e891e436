#include "explain/block_rollout.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "explain/random_terms.hpp"

namespace histojet::explain {
namespace {

using test::RandomTerms;

constexpr RandomTerms::Size kSizes[] = {
    {.tokens = 1, .channels = 3, .states = 2},
    {.tokens = 37, .channels = 20, .states = 5, .factor = 0.5},
    {.tokens = 80, .channels = 7, .states = 16, .backward = false},
    {.tokens = 64, .channels = 16, .states = 4, .importance = true, .factor = 0.5},
    {.tokens = 45, .channels = 18, .states = 3, .importance = true, .values = true},
};

std::vector<double> start(std::int64_t tokens) {
  std::vector<double> weights(static_cast<std::size_t>(tokens));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1.0 / static_cast<double>(2 + i % 3);
  return weights;
}

Relevance start_relevance(std::int64_t tokens, bool local) {
  const std::vector<double> weights = start(tokens);
  Relevance relevance{{weights.begin(), weights.end()}, {}};
  if (local) relevance.local = relevance.all;
  return relevance;
}

/// The start taken through matrices instead: rows plus identity, divided by their sums.
std::vector<double> through(const std::vector<TokenMatrix>& blocks, std::vector<double> weights,
                            std::int64_t local_segment = 0) {
  for (std::size_t index = blocks.size(); index-- > 0;) {
    const TokenMatrix& block = blocks[index];
    std::vector<double> next(weights.size());
    for (std::int64_t i = 0; i < block.tokens; ++i) {
      double sum = 1;
      for (std::int64_t j = 0; j < block.tokens; ++j) sum += block.at(i, j);
      const double passed = weights[static_cast<std::size_t>(i)] / sum;
      next[static_cast<std::size_t>(i)] += passed;
      for (std::int64_t j = 0; j < block.tokens; ++j) {
        if (local_segment > 0 && i / local_segment != j / local_segment) continue;
        next[static_cast<std::size_t>(j)] += passed * block.at(i, j);
      }
    }
    weights = next;
  }
  return weights;
}

void expect_near(const std::vector<float>& found, const std::vector<double>& wanted, double tolerance) {
  double most = 0;
  for (const double value : wanted) most = std::max(most, std::fabs(value));
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(found[i], wanted[i], tolerance * most) << i;
}

TEST(BlockRollout, StackOfBlocksIsTheProductOfItsMatrices) {
  for (const RandomTerms::Size& size : kSizes) {
    for (const std::int64_t backward_segment : {0, 8}) {
      std::vector<TokenMatrix> matrices;
      const RolloutOptions options{.backward_segment = backward_segment, .local_segment = 4};
      std::vector<RandomTerms> blocks;
      for (std::uint32_t seed = 1; seed <= 3; ++seed) {
        blocks.emplace_back(size, seed);
        matrices.push_back(blocks.back().matrix(Sign::kMajorant, backward_segment));
      }
      Relevance relevance = start_relevance(size.tokens, true);
      for (std::size_t i = blocks.size(); i-- > 0;) rollout_block(blocks[i], options, relevance);
      expect_near(relevance.all, through(matrices, start(size.tokens)), 1e-5);
      expect_near(relevance.local, through(matrices, start(size.tokens), 4), 1e-5);
      // The product of the matrices themselves says the same.
      const TokenMatrix product = rollout(matrices);
      std::vector<double> rows(static_cast<std::size_t>(size.tokens));
      for (std::int64_t i = 0; i < size.tokens; ++i) {
        for (std::int64_t j = 0; j < size.tokens; ++j) {
          rows[static_cast<std::size_t>(j)] += start(size.tokens)[static_cast<std::size_t>(i)] * product.at(i, j);
        }
      }
      expect_near(relevance.all, rows, 1e-5);
    }
  }
}

TEST(BlockRollout, SignedTermsMayCancel) {
  const RandomTerms::Size size = kSizes[1];
  RandomTerms block(size, 11);
  const std::vector<TokenMatrix> matrix = {block.matrix(Sign::kSigned, 0)};
  const RolloutOptions options{.sign = Sign::kSigned};
  Relevance relevance = start_relevance(size.tokens, false);
  rollout_block(block, options, relevance);
  expect_near(relevance.all, through(matrix, start(size.tokens)), 1e-4);

  const std::vector<float> sums = attention_row_sums(block, options);
  std::vector<float> weight(static_cast<std::size_t>(size.tokens));
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(i % 5) - 2;
  const std::vector<float> columns = attention_column_sums(block, options, weight);
  for (std::int64_t i = 0; i < size.tokens; ++i) {
    double row = 1, column = 0;
    for (std::int64_t j = 0; j < size.tokens; ++j) {
      row += matrix[0].at(i, j);
      column += weight[static_cast<std::size_t>(j)] * matrix[0].at(j, i);
    }
    EXPECT_NEAR(sums[static_cast<std::size_t>(i)], row, 1e-5);
    EXPECT_NEAR(columns[static_cast<std::size_t>(i)], column, 1e-4);
  }
}

TEST(BlockRollout, KeepsTheSumAndLocalIsPartOfAll) {
  const RandomTerms::Size size{.tokens = 1500, .channels = 24, .states = 8, .factor = 0.5};
  Relevance relevance = start_relevance(size.tokens, true);
  const double before = std::accumulate(relevance.all.begin(), relevance.all.end(), 0.0);
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    RandomTerms block(size, seed);
    rollout_block(block, {.backward_segment = 300, .local_segment = 100}, relevance);
  }
  EXPECT_NEAR(std::accumulate(relevance.all.begin(), relevance.all.end(), 0.0), before, 1e-5 * before);
  for (std::size_t i = 0; i < relevance.all.size(); ++i) {
    ASSERT_GE(relevance.local[i], 0);
    ASSERT_LE(relevance.local[i], relevance.all[i] * 1.00001F);
  }
}

TEST(BlockRollout, WholeSequenceIsLocalToItself) {
  const RandomTerms::Size size{.tokens = 300, .channels = 8, .states = 4};
  RandomTerms block(size, 3);
  Relevance relevance = start_relevance(size.tokens, true);
  rollout_block(block, {.local_segment = 300}, relevance);
  EXPECT_EQ(relevance.local, relevance.all);
}

TEST(BlockRollout, WorkGrowsWithTheSequence) {
  std::int64_t requested[2];
  for (const int i : {0, 1}) {
    RandomTerms block({.tokens = i == 0 ? 1000 : 10000, .channels = 16, .states = 4}, 1);
    Relevance relevance = start_relevance(block.tokens(), true);
    rollout_block(block, {.local_segment = 10}, relevance);
    requested[i] = block.requested();
  }
  EXPECT_EQ(requested[0], 4 * 1000);
  EXPECT_EQ(requested[1], 10 * requested[0]);
}

TEST(BlockRollout, ThreadsDoNotMatterAndInstructionSetsHardly) {
  const RandomTerms::Size size{.tokens = 700, .channels = 33, .states = 9, .importance = true};
  const auto run = [&](RolloutOptions options) {
    RandomTerms block(size, 8);
    Relevance relevance = start_relevance(size.tokens, true);
    options.local_segment = 70;
    rollout_block(block, options, relevance);
    return relevance;
  };
  const Relevance one = run({.threads = 1}), two = run({.threads = 2}), scalar = run({.isa = Isa::kScalar});
  EXPECT_EQ(one.all, two.all);
  EXPECT_EQ(one.local, two.local);
  expect_near(one.all, {scalar.all.begin(), scalar.all.end()}, 1e-5);
}

TEST(BlockRollout, RefusesAnotherNumberOfTokensAndStops) {
  RandomTerms block({.tokens = 20, .channels = 4, .states = 2}, 1);
  Relevance wrong{std::vector<float>(19), {}};
  EXPECT_THROW(rollout_block(block, {}, wrong), Error);
  Relevance crossing = start_relevance(20, true);
  EXPECT_THROW(rollout_block(block, {.backward_segment = 8, .local_segment = 3}, crossing), Error);
  CancelSource source;
  source.cancel();
  Relevance relevance = start_relevance(20, false);
  EXPECT_THROW(rollout_block(block, {.cancel = source.token()}, relevance), Cancelled);
}

}  // namespace
}  // namespace histojet::explain
