#include <algorithm>

#include "merging/partners.hpp"
#include "token_data.hpp"

using namespace histojet;
using namespace histojet::merging;
using namespace histojet::test;

namespace {

BipartiteOptions options_of(const SafetensorsFile& file) {
  return {.r = std::stoll(file.metadata.at("r")),
          .class_token = file.metadata.at("class_token") == "true",
          .distill_token = file.metadata.at("distill_token") == "true"};
}

TokenState state_with(const Tensor& sizes) {
  TokenState state = TokenState::initial(sizes.shape()[0], sizes.shape()[1]);
  std::copy_n(sizes.values<float>().data(), sizes.size(), state.sizes.data());
  return state;
}

/// The reference's three lists, one sequence after the other.
void check_lists(const SafetensorsFile& file, const BipartiteOptions& options, Isa isa) {
  const Metric metric = metric_of(file.at("metric"));
  const auto sources = integers_of(file.at("src_idx"));
  const auto targets = integers_of(file.at("dst_idx"));
  const auto r = static_cast<std::size_t>(file.at("src_idx").shape()[1]);
  Sides sides;
  for (std::int32_t t = 0; t < metric.tokens; ++t) (t % 2 == 0 ? sides.seekers : sides.targets).push_back(t);
  if (options.distill_token) sides.targets[0] = -1;
  for (std::int64_t sample = 0; sample < metric.batch; ++sample) {
    const PartnerSearch search{metric.values + sample * metric.tokens * metric.channels, &sides};
    std::vector<Partners> found = find_partners({&search, 1}, metric.channels, {.isa = isa});
    if (options.class_token) found[0].partner[0] = -1;
    const Ranking ranking = rank(found[0]);
    for (std::size_t i = 0; i < r; ++i) {
      const std::size_t at = static_cast<std::size_t>(sample) * r + i;
      EXPECT_EQ(ranking.order[i], sources[at]);
      EXPECT_EQ(found[0].partner[static_cast<std::size_t>(ranking.order[i])], targets[at]);
    }
    std::vector<std::int32_t> unmerged(ranking.order.begin() + static_cast<std::ptrdiff_t>(r), ranking.order.end());
    if (options.class_token) std::sort(unmerged.begin(), unmerged.end());
    const auto wanted = integers_of(file.at("unm_idx"));
    EXPECT_TRUE(std::equal(unmerged.begin(), unmerged.end(),
                           wanted.begin() + sample * static_cast<std::ptrdiff_t>(unmerged.size())));
  }
}

void check_bipartite(const SafetensorsFile& file) {
  const BipartiteOptions options = options_of(file);
  const Tensor& x = file.at("x");
  for (const Isa isa : test::available_isas()) {
    check_lists(file, options, isa);
    const Run run{.isa = isa};
    const TokenMerging step(bipartite_matching(metric_of(file.at("metric")), options, run),
                            state_with(file.at("size")));
    expect_close(step.merge(x, MergeMode::kMean, run), file.at("merged_mean"), "mean");
    expect_close(step.merge(x, MergeMode::kSum, run), file.at("merged_sum"), "sum");
    expect_close(step.merge(x, MergeMode::kMax, run), file.at("merged_amax"), "max");
    expect_close(step.merge(x, MergeMode::kWeighted, run), file.at("merged_wavg"), "weighted");
    const auto sizes = file.at("size_out").values<float>();
    EXPECT_TRUE(std::equal(sizes.begin(), sizes.end(), step.state().sizes.begin()));
    if (file.has("source")) expect_close(step.dense_source(), file.at("source"), "source");
    // The reference's unmerge takes no account of the order with a distillation token.
    if (!options.distill_token) {
      expect_close(step.unmerge(step.merge(x, MergeMode::kWeighted, run), run), file.at("unmerged"), "unmerged");
    }
  }
}

/// The values of each column in rising order.
Tensor sorted_columns(const Tensor& tokens) {
  const std::int64_t rows = tokens.shape()[1], channels = tokens.shape()[2];
  Tensor sorted(DType::kF32, {rows, channels});
  for (std::int64_t c = 0; c < channels; ++c) {
    std::vector<float> column;
    for (std::int64_t t = 0; t < rows; ++t)
      column.push_back(tokens.values<float>()[static_cast<std::size_t>(t * channels + c)]);
    std::sort(column.begin(), column.end());
    for (std::int64_t t = 0; t < rows; ++t) {
      sorted.values<float>()[static_cast<std::size_t>(t * channels + c)] = column[static_cast<std::size_t>(t)];
    }
  }
  return sorted;
}

}  // namespace

TEST(BipartiteMatching, AgreesWithTheReference) {
  for (const char* name : {"tome_basic", "tome_cls", "tome_cls_distill", "tome_max_half"}) {
    SCOPED_TRACE(name);
    check_bipartite(mamba_fixture(name));
  }
}

TEST(BipartiteMatching, AgreesWithTheReferenceOnAWholeVit) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  check_bipartite(read_safetensors(shared_fixture("mamba/tome_large.safetensors")));
}

TEST(BipartiteMatching, SeveralStepsCarrySizesAndSources) {
  const SafetensorsFile file = mamba_fixture("tome_stack");
  Tensor x = file.at("x0");
  TokenState state = TokenState::initial(1, x.shape()[1]);
  const std::int64_t removed[] = {6, 5, 4};
  for (int step = 1; step <= 3; ++step) {
    Tensor metric(DType::kF32, {1, x.shape()[1], 6});
    for (std::int64_t i = 0; i < metric.size(); ++i) {
      metric.values<float>()[static_cast<std::size_t>(i)] =
          x.values<float>()[static_cast<std::size_t>(i / 6 * 12 + i % 6)];
    }
    const BipartiteOptions options{.r = removed[step - 1], .class_token = true};
    const TokenMerging merging(bipartite_matching(metric_of(metric), options), state);
    x = merging.merge(x, MergeMode::kWeighted);
    state = merging.state();
    const std::string number = std::to_string(step);
    expect_close(x, file.at("x" + number), "x");
    const auto sizes = file.at("size" + number).values<float>();
    EXPECT_TRUE(std::equal(sizes.begin(), sizes.end(), state.sizes.begin(), state.sizes.end()));
    expect_close(merging.dense_source(), file.at("source" + number), "source");
  }
}

TEST(KthBipartiteMatching, AgreesWithTheReference) {
  const SafetensorsFile file = mamba_fixture("tome_kth");
  const Tensor& x = file.at("x");
  for (const int k : {2, 3, 4}) {
    const std::string prefix = "k" + std::to_string(k);
    const TokenMerging merging(kth_bipartite_matching(metric_of(file.at("metric")), k), TokenState::initial(2, 22));
    const Tensor merged = merging.merge(x, MergeMode::kMean);
    expect_close(merged, file.at(prefix + "_mean"), "mean");
    expect_close(merging.unmerge(merged), file.at(prefix + "_unmerged"), "unmerged");
  }
}

TEST(PartitionMatching2d, AgreesWithTheReference) {
  for (const char* name : {"tomesd_even", "tomesd_ragged", "tomesd_s43"}) {
    SCOPED_TRACE(name);
    const SafetensorsFile file = mamba_fixture(name);
    const auto number = [&](const char* key) { return std::stoll(file.metadata.at(key)); };
    const PartitionOptions options{.height = number("h"),
                                   .width = number("w"),
                                   .stride_y = number("sy"),
                                   .stride_x = number("sx"),
                                   .r = number("r")};
    const Metric metric = metric_of(file.at("metric"));
    const TokenMerging merging(partition_matching_2d(metric, options), TokenState::initial(1, metric.tokens));
    const Tensor merged = merging.merge(file.at("x"), MergeMode::kMean);
    expect_close(sorted_columns(merged), file.at("merged_sorted"), "merged");
    expect_close(merging.unmerge(merged), file.at("unmerged"), "unmerged");
    // Those that take in others come last, in their own order.
    const auto targets = integers_of(file.at("dst_index"));
    const auto first = metric.tokens - options.r - static_cast<std::int64_t>(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_EQ(merging.map().owner(0)[targets[i]], first + static_cast<std::int64_t>(i));
    }
  }
}
