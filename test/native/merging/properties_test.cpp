#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "token_data.hpp"

using namespace histojet;
using namespace histojet::merging;
using namespace histojet::test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

MergeMap match(const Tensor& metric, const BipartiteOptions& options, const Run& run = {}) {
  return bipartite_matching(metric_of(metric), options, run);
}

float* row(Tensor& tensor, std::int64_t token, std::int64_t sample = 0) {
  return tensor.values<float>().data() + (sample * tensor.shape()[1] + token) * tensor.shape()[2];
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

std::vector<std::int32_t> counted(std::int64_t count) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

TEST(BipartiteMatching, RemovesNothingWithoutR) {
  for (const std::int64_t tokens : {0, 1, 2, 3, 10}) {
    const Tensor metric = random_tokens(1, 2, tokens, 4);
    EXPECT_EQ(owners_of(match(metric, {.r = 0}), 1), counted(tokens));
  }
}

TEST(BipartiteMatching, RemovesAtMostHalfOfWhatIsNotProtected) {
  for (std::int64_t tokens = 1; tokens < 12; ++tokens) {
    const Tensor metric = random_tokens(static_cast<std::uint32_t>(tokens), 1, tokens, 5);
    EXPECT_EQ(match(metric, {.r = 1000}).merged_tokens(), tokens - tokens / 2);
    EXPECT_EQ(match(metric, {.r = 1000, .class_token = true}).merged_tokens(), tokens - (tokens - 1) / 2);
    if (tokens > 3) {
      const MergeMap both = match(metric, {.r = 1000, .class_token = true, .distill_token = true});
      EXPECT_EQ(both.merged_tokens(), tokens - (tokens - 2) / 2);
    }
  }
}

TEST(BipartiteMatching, NothingIsMergedIntoADistillationTokenThatIsTheOnlyTarget) {
  const Tensor metric = random_tokens(3, 1, 3, 4);
  EXPECT_EQ(match(metric, {.r = 1, .distill_token = true}).merged_tokens(), 3);
}

TEST(BipartiteMatching, ProtectedTokensStayInFront) {
  Tensor metric = random_tokens(5, 1, 30, 8);
  std::copy_n(row(metric, 0), 8, row(metric, 1));  // as similar as can be
  const MergeMap one = match(metric, {.r = 10, .class_token = true});
  EXPECT_EQ(one.owner(0)[0], 0);
  EXPECT_EQ(one.starts(0)[1], 1);
  const MergeMap two = match(metric, {.r = 10, .class_token = true, .distill_token = true});
  EXPECT_EQ(two.owner(0)[0], 0);
  EXPECT_EQ(two.owner(0)[1], 1);
  EXPECT_EQ(two.starts(0)[2], 2);
}

TEST(BipartiteMatching, EqualTokensMergeLowestFirst) {
  for (const Isa isa : test::available_isas()) {
    for (const std::int64_t tokens : {16, 333}) {
      Tensor metric(DType::kF32, {1, tokens, 7});
      std::ranges::fill(metric.values<float>(), 0.3f);
      const MergeMap map = match(metric, {.r = 3}, {.isa = isa});
      // Tokens 0, 2 and 4 become part of token 1; the other even ones keep their order.
      const std::int64_t unmerged = (tokens + 1) / 2 - 3;
      for (const std::int64_t t : {0, 1, 2, 4}) EXPECT_EQ(map.owner(0)[t], unmerged);
      for (std::int64_t t = 6; t < tokens; t += 2) EXPECT_EQ(map.owner(0)[t], t / 2 - 3);
      for (std::int64_t t = 1; t < tokens; t += 2) EXPECT_EQ(map.owner(0)[t], unmerged + t / 2);
    }
  }
}

TEST(BipartiteMatching, ZeroRowsAreSimilarToNothing) {
  Tensor metric = random_tokens(7, 1, 20, 6);
  for (const std::int64_t t : {2, 5}) std::fill_n(row(metric, t), 6, t == 2 ? 0.0f : 1e-14f);
  for (const Isa isa : test::available_isas()) {
    const MergeMap map = match(metric, {.r = 10}, {.isa = isa});
    EXPECT_EQ(map.merged_tokens(), 10);
    // Nothing is better than 0 for it: the first target.
    EXPECT_EQ(map.owner(0)[2], map.owner(0)[1]);
    const TokenMerging merging(map, TokenState::initial(1, 20));
    const Tensor merged = merging.merge(metric, MergeMode::kMean);
    for (const float value : merged.values<float>()) EXPECT_EQ(value, value);
  }
}

TEST(BipartiteMatching, RowsThatAreNotFiniteNeverMerge) {
  for (const Isa isa : test::available_isas()) {
    Tensor metric = random_tokens(8, 2, 20, 6);
    row(metric, 4)[3] = kNan;
    row(metric, 8)[0] = std::numeric_limits<float>::infinity();
    row(metric, 7)[5] = kNan;
    const MergeMap map = match(metric, {.r = 10}, {.isa = isa});
    EXPECT_EQ(map.merged_tokens(), 12);  // the other sequence may not lose more
    for (const std::int64_t t : {4, 7, 8}) {
      const std::int32_t owner = map.owner(0)[t];
      EXPECT_EQ(map.starts(0)[owner + 1] - map.starts(0)[owner], 1);
    }
    EXPECT_EQ(map.owner(0)[4], 0);  // last in the order, and the only ones that are left
    EXPECT_EQ(map.owner(0)[8], 1);
  }
}

TEST(BipartiteMatching, HugeValuesDoNotOverflow) {
  Tensor metric = random_tokens(9, 1, 20, 6);
  const MergeMap wanted = match(metric, {.r = 6});
  for (float& value : metric.values<float>()) value *= 0x1p120f;
  EXPECT_EQ(owners_of(match(metric, {.r = 6})), owners_of(wanted));
}

TEST(BipartiteMatching, SequencesOfABatchAreIndependent) {
  const Tensor batch = random_tokens(10, 3, 41, 9);
  const MergeMap map = match(batch, {.r = 12, .class_token = true});
  for (std::int64_t sample = 0; sample < 3; ++sample) {
    const auto values = batch.values<float>().subspan(static_cast<std::size_t>(sample) * 41 * 9, 41 * 9);
    const MergeMap own = match(Tensor::from_f32(values, {1, 41, 9}), {.r = 12, .class_token = true});
    EXPECT_EQ(owners_of(map, sample), owners_of(own));
  }
}

TEST(BipartiteMatching, ResultsDependNeitherOnThreadsNorOnTheInstructionSet) {
  for (const std::int64_t tokens : {600, 1501}) {
    for (const std::int64_t window : {0, 64, 65}) {
      const Tensor metric = random_tokens(11, 2, tokens, 33);
      const BipartiteOptions options{.r = tokens / 3, .window = window};
      const MergeMap wanted = match(metric, options, {.threads = 1, .isa = Isa::kScalar});
      const Tensor x = random_tokens(12, 2, tokens, 70);
      const TokenState before = TokenState::initial(2, tokens);
      const Tensor merged = TokenMerging(wanted, before).merge(x, MergeMode::kWeighted, {.threads = 1});
      for (const Isa isa : test::available_isas()) {
        for (const int threads : {1, 2, 8}) {
          const merging::Run run{.threads = threads, .isa = isa};
          const MergeMap map = match(metric, options, run);
          for (std::int64_t sample = 0; sample < 2; ++sample) {
            EXPECT_EQ(owners_of(map, sample), owners_of(wanted, sample));
          }
          const Tensor again = TokenMerging(map, before).merge(x, MergeMode::kWeighted, run);
          EXPECT_TRUE(std::ranges::equal(again.values<float>(), merged.values<float>()));
        }
      }
    }
  }
}

TEST(BipartiteMatching, KeepsTheOrderWhereAsked) {
  const Tensor metric = random_tokens(13, 1, 50, 6);
  const MergeMap map = match(metric, {.r = 20, .keep_order = true});
  const MergeMap unsorted = match(metric, {.r = 20});
  std::int32_t largest = -1;
  for (std::int64_t t = 0; t < 50; ++t) {
    // Each token of the result is met for the first time after those before it.
    EXPECT_LE(map.owner(0)[t], largest + 1);
    largest = std::max(largest, map.owner(0)[t]);
  }
  for (std::int64_t i = 0; i < 50; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      EXPECT_EQ(map.owner(0)[i] == map.owner(0)[j], unsorted.owner(0)[i] == unsorted.owner(0)[j]);
    }
  }
}

TEST(BipartiteMatching, WindowsMergeOnTheirOwn) {
  const Tensor metric = random_tokens(14, 1, 100, 6);
  const MergeMap map = match(metric, {.r = 30, .keep_order = true, .window = 24});
  EXPECT_EQ(map.merged_tokens(), 70);
  std::int64_t output = 0;
  for (std::int64_t first = 0; first < 100; first += 24) {
    const std::int64_t count = std::min<std::int64_t>(24, 100 - first);
    const std::int64_t r = (first + count) * 30 / 100 - first * 30 / 100;
    const auto values =
        metric.values<float>().subspan(static_cast<std::size_t>(first * 6), static_cast<std::size_t>(count * 6));
    const MergeMap own = match(Tensor::from_f32(values, {1, count, 6}), {.r = r, .keep_order = true});
    for (std::int64_t t = 0; t < count; ++t) EXPECT_EQ(map.owner(0)[first + t], own.owner(0)[t] + output);
    output += own.merged_tokens();
  }
}

TEST(TokenMerging, SizesAndWeightedSumsArePreserved) {
  const Tensor x = random_tokens(15, 2, 63, 5);
  TokenState state = TokenState::initial(2, 63);
  Tensor values = x;
  for (const std::int64_t r : {20, 9, 15}) {
    const TokenMerging step(match(values, {.r = r}), state);
    values = step.merge(values, MergeMode::kWeighted);
    state = step.state();
  }
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    double total = 0;
    std::vector<double> sums(5), wanted(5);
    for (std::int64_t t = 0; t < state.tokens; ++t) {
      const double size = state.sizes[static_cast<std::size_t>(sample * state.tokens + t)];
      total += size;
      for (std::size_t c = 0; c < 5; ++c) sums[c] += size * row(values, t, sample)[c];
    }
    for (std::int64_t t = 0; t < 63; ++t) {
      for (std::size_t c = 0; c < 5; ++c) {
        wanted[c] += x.values<float>()[static_cast<std::size_t>((sample * 63 + t) * 5) + c];
      }
    }
    EXPECT_EQ(total, 63);
    for (std::size_t c = 0; c < 5; ++c) EXPECT_NEAR(sums[c], wanted[c], 1e-4);
  }
}

TEST(TokenMerging, UnmergingGivesTheMeanOfTheGroup) {
  const Tensor x = random_tokens(16, 2, 40, 3);
  const TokenMerging merging(match(x, {.r = 15}), TokenState::initial(2, 40));
  const Tensor back = merging.unmerge(merging.merge(x, MergeMode::kMean));
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    for (std::int64_t t = 0; t < 40; ++t) {
      double sum = 0;
      int count = 0;
      for (std::int64_t other = 0; other < 40; ++other) {
        if (merging.map().owner(sample)[other] != merging.map().owner(sample)[t]) continue;
        sum += x.values<float>()[static_cast<std::size_t>((sample * 40 + other) * 3)];
        ++count;
      }
      const float got = back.values<float>()[static_cast<std::size_t>((sample * 40 + t) * 3)];
      const float own = x.values<float>()[static_cast<std::size_t>((sample * 40 + t) * 3)];
      if (count == 1) {
        EXPECT_EQ(got, own);
      }
      EXPECT_NEAR(got, sum / count, 1e-6);
    }
  }
}

TEST(TokenMerging, OwnersAndDenseSourceAgree) {
  const Tensor x = random_tokens(17, 2, 23, 4);
  const TokenMerging first(kth_bipartite_matching(metric_of(x), 4), TokenState::initial(2, 23));
  const TokenMerging second(match(first.merge(x, MergeMode::kMean), {.r = 2}), first.state());
  const TokenState& state = second.state();
  EXPECT_EQ(state.tokens, 3);
  const Tensor dense = second.dense_source();
  EXPECT_EQ(dense.shape(), (Shape{2, 3, 23}));
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    for (std::int64_t t = 0; t < 23; ++t) {
      const std::int32_t owner = state.owner[static_cast<std::size_t>(sample * 23 + t)];
      EXPECT_EQ(owner == -1, t >= 20);
      for (std::int64_t token = 0; token < 3; ++token) {
        EXPECT_EQ(dense.values<float>()[static_cast<std::size_t>((sample * 3 + token) * 23 + t)], owner == token);
      }
    }
  }
}

TEST(AdjacentMatching, MergesRunsOfSimilarNeighbours) {
  Tensor metric(DType::kF32, {1, 9, 2});
  const float angle[] = {0, 0.1f, 0.2f, 1.5f, 1.5f, 1.6f, 3, 3, 3};
  for (std::int64_t t = 0; t < 9; ++t) {
    row(metric, t)[0] = 2 * std::cos(angle[t]);
    row(metric, t)[1] = 2 * std::sin(angle[t]);
  }
  row(metric, 7)[1] = kNan;
  const auto owners = [&](const AdjacentOptions& options) {
    return owners_of(adjacent_matching(metric_of(metric), options));
  };
  EXPECT_EQ(owners({.threshold = 0.99}), (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 2, 3, 4}));
  EXPECT_EQ(owners({.threshold = 0.99, .longest = 2}), (std::vector<std::int32_t>{0, 0, 1, 2, 2, 3, 4, 5, 6}));
  EXPECT_EQ(owners({.threshold = 0.99, .class_token = true}), (std::vector<std::int32_t>{0, 1, 1, 2, 2, 2, 3, 4, 5}));
  EXPECT_EQ(code_of([] { adjacent_matching(metric_of(random_tokens(1, 2, 4, 4)), {}); }), ErrorCode::kShapeMismatch);
}

TEST(AdjacentMatching, ThreadsChangeNothing) {
  const Tensor metric = random_tokens(19, 1, 70001, 8);
  const auto owners = [&](int threads) {
    return owners_of(adjacent_matching(metric_of(metric), {.threshold = 0.2}, {.threads = threads}));
  };
  EXPECT_EQ(owners(8), owners(1));
}

TEST(KthBipartiteMatching, TokensWithoutAPartnerStayWhereTheyAre) {
  Tensor metric = random_tokens(20, 1, 12, 4);
  row(metric, 4)[0] = kNan;
  EXPECT_EQ(kth_bipartite_matching(metric_of(metric), 3).owner(0)[4], 1);
  EXPECT_EQ(kth_bipartite_matching(metric_of(metric), 1).merged_tokens(), 12);
  EXPECT_EQ(kth_bipartite_matching(metric_of(metric), 13).merged_tokens(), 0);
}

TEST(PartitionMatching2d, MergesAtMostAllThatTakeInNone) {
  const Tensor metric = random_tokens(21, 1, 35, 4);
  EXPECT_EQ(partition_matching_2d(metric_of(metric), {.height = 5, .width = 7, .r = 1000}).merged_tokens(), 6);
  EXPECT_EQ(partition_matching_2d(metric_of(metric), {.height = 1, .width = 35, .r = 9}).merged_tokens(), 35);
}

TEST(Matching, WrongArgumentsHaveTypedErrors) {
  const Tensor metric = random_tokens(22, 1, 6, 4);
  const Tensor empty(DType::kF32, {1, 6, 0});
  EXPECT_EQ(code_of([&] { match(metric, {.r = -1}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { match(metric, {.window = -1}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { match(empty, {.r = 1}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { kth_bipartite_matching(metric_of(metric), 0); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { partition_matching_2d(metric_of(metric), {.height = 2, .width = 2}); }),
            ErrorCode::kShapeMismatch);
  EXPECT_EQ(code_of([&] { MergeMap(1, 2, 2, {0, 0}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { MergeMap(1, 2, 1, {0, 1}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { MergeMap(1, 2, 1, {-1, 0}); }), ErrorCode::kInvalidArgument);
  const TokenMerging merging(match(metric, {.r = 2}), TokenState::initial(1, 6));
  EXPECT_EQ(code_of([&] { merging.merge(random_tokens(1, 1, 5, 4), MergeMode::kSum); }), ErrorCode::kShapeMismatch);
  EXPECT_EQ(code_of([&] {
              merging.merge(Tensor(DType::kI32, {1, 6, 4}), MergeMode::kSum);
            }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { TokenMerging(match(metric, {.r = 2}), TokenState::initial(1, 7)); }),
            ErrorCode::kShapeMismatch);
}

TEST(Matching, CancelledWorkStops) {
  CancelSource cancel;
  cancel.cancel();
  const Tensor metric = random_tokens(23, 1, 64, 4);
  EXPECT_THROW(match(metric, {.r = 2}, {.cancel = cancel.token()}), Cancelled);
}
