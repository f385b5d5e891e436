#include "explain/pixel_attribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "explain/hidden_attention.hpp"
#include "explain/pixel_trace.hpp"
#include "explain/random_network.hpp"
#include "fixtures.hpp"

namespace histojet::explain {
namespace {

using models::PixelMambaConfig;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Sums of what is there.
double sum_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += std::isnan(value) ? 0 : value;
  return sum;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  const double n = static_cast<double>(a.size()), mean_a = sum_of(a) / n, mean_b = sum_of(b) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

/// Relevance by matrices, block by block, in double precision.
class DenseDescent {
 public:
  DenseDescent(const models::PixelMamba& model, const models::RegionSource& source, Sign sign, Weighting weighting)
      : model_(model),
        layouts_(stage_layouts(model.config(), source)),
        budget_{.free_bytes = 1 << 30},
        trace_(model.config(), layouts_, 0, budget_),
        sign_(sign),
        weighting_(weighting) {
    result_ = model.run(source, {.listener = &trace_, .keep_attention = true});
  }

  /// The relevance of the pixels; `local`: of paths within regions alone.
  std::vector<float> pixels(bool local) {
    std::vector<double> relevance(result_.attention.begin(), result_.attention.end());
    for (std::size_t stage = layouts_.size(); stage-- > 0;) {
      const auto depth = static_cast<std::size_t>(model_.config().stages[stage].depth);
      for (std::size_t block = depth; block-- > 0;) relevance = through(stage, block, relevance, local);
      if (stage > 0) relevance = to_children(stage - 1, relevance);
    }
    return layouts_[0].grid(std::vector<float>(relevance.begin(), relevance.end()));
  }

 private:
  std::vector<double> through(std::size_t stage, std::size_t block, const std::vector<double>& relevance, bool local) {
    const models::PixelBlock& layers = model_.network().stages[stage].blocks[block];
    const std::int64_t unit = layouts_[stage].unit_tokens(), tokens = layouts_[stage].tokens();
    const bool restarts = model_.config().stages[stage].backward_scope == models::BackwardScope::kRegion;
    MixerTerms terms(layers.mixer, layers.norm, trace_.block_input(stage, block),
                     {.backward_segment = restarts ? unit : 0, .sign = sign_, .weighting = weighting_});
    TokenMatrix sum{tokens, std::vector<double>(at(tokens * tokens))};
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      if (!terms.has(direction)) continue;
      const ScanTerms all = terms.terms(direction, 0, tokens);
      const TokenMatrix mean = channel_mean(hidden_attention(all, terms.constants(direction), tokens, direction, sign_,
                                                             restarts && direction == Direction::kBackward ? unit : 0),
                                            all, terms.constants(direction));
      for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += terms.factor() * mean.values[i];
    }
    std::vector<double> next(relevance.size());
    for (std::int64_t i = 0; i < tokens; ++i) {
      double row = 1;
      for (std::int64_t j = 0; j < tokens; ++j) row += sum.at(i, j);
      next[at(i)] += relevance[at(i)] / row;
      for (std::int64_t j = 0; j < tokens; ++j) {
        if (!local || i / unit == j / unit) next[at(j)] += relevance[at(i)] / row * sum.at(i, j);
      }
    }
    return next;
  }

  std::vector<double> to_children(std::size_t finer, const std::vector<double>& relevance) const {
    const models::PixelStage& stage = model_.network().stages[finer];
    const MergePlan plan(layouts_[finer], layouts_[finer + 1], model_.config().region_order, stage.merge_sources);
    std::vector<double> children(at(layouts_[finer].tokens()));
    const std::int64_t step = models::token_step(stage.merge.in());
    for (std::int64_t g = 0; g < plan.groups(); ++g) {
      const MergeGroup group = plan.group(g);
      std::vector<float> rows(group.children.size() * at(step));
      for (std::size_t i = 0; i < group.children.size(); ++i) {
        trace_.stage_output(finer).read(group.children[i], 1, rows.data() + i * at(step), step);
      }
      std::vector<std::array<float, 4>> norms(group.sources.size());
      models::PixelScratch scratch;
      stage.merge.child_norms(rows.data(), group.sources, norms.data(), scratch);
      for (std::size_t i = 0; i < norms.size(); ++i) {
        const double all = std::accumulate(norms[i].begin(), norms[i].end(), 0.0);
        for (std::size_t k = 0; k < 4; ++k) {
          if (group.sources[i][k] < 0) continue;
          children[at(group.children[at(group.sources[i][k])])] += relevance[at(group.first) + i] * norms[i][k] / all;
        }
      }
    }
    return children;
  }

  const models::PixelMamba& model_;
  std::vector<StageLayout> layouts_;
  models::StoreBudget budget_;
  PixelTrace trace_;
  Sign sign_;
  Weighting weighting_;
  models::PixelMambaResult result_;
};

class PixelAttribution : public testing::Test {
 protected:
  PixelMambaConfig config = test::deep_config();
  std::shared_ptr<const models::PixelMamba> model = test::formula_network(config);
  Image picture = test::wavy_picture(37, 19);
  models::PictureRegions source{config, picture};
};

TEST_F(PixelAttribution, IsWhatTheMatricesSay) {
  const Image small = test::wavy_picture(21, 13);
  const models::PictureRegions all(config, small);
  const test::SomeRegions some(config, small);
  for (const Weighting weighting : {Weighting::kAttention, Weighting::kChannels, Weighting::kContribution}) {
    const bool skipping = weighting == Weighting::kChannels;
    const models::RegionSource& regions = skipping ? static_cast<const models::RegionSource&>(some) : all;
    const Attribution found = attribute(*model, regions, {.token_px = 1, .weighting = weighting});
    DenseDescent dense(*model, regions, Sign::kMajorant, weighting);
    for (const bool local : {false, true}) {
      const std::vector<float> wanted = dense.pixels(local);
      const std::vector<float>& values = local ? found.maps.back().local : found.maps.back().values;
      ASSERT_EQ(values.size(), wanted.size());
      float most = 0;
      for (const float value : wanted) most = std::isnan(value) ? most : std::max(most, value);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_EQ(std::isnan(values[i]), std::isnan(wanted[i]));
        if (std::isnan(wanted[i])) continue;
        ASSERT_NEAR(values[i], wanted[i], 1e-5 * most) << i;
      }
    }
  }
}

TEST_F(PixelAttribution, HasAMapForEveryStageWithTheSameSum) {
  const Attribution found = attribute(*model, source, {.token_px = 1});
  ASSERT_EQ(found.maps.size(), 5U);
  EXPECT_NEAR(found.total, 1, 1e-5);
  for (std::size_t i = 0; i < found.maps.size(); ++i) {
    const RelevanceMap& map = found.maps[i];
    EXPECT_EQ(map.token_px, 16 >> i);
    EXPECT_EQ(map.columns, (37 + map.token_px - 1) / map.token_px);
    EXPECT_EQ(map.rows, (19 + map.token_px - 1) / map.token_px);
    EXPECT_NEAR(map.sum, 1, 2e-5);
    EXPECT_GE(map.min, 0);
    EXPECT_GT(map.max, map.min);
    EXPECT_GT(map.local_share, 0);
    EXPECT_LT(map.local_share, 1);
    EXPECT_EQ(*std::ranges::max_element(map.values), map.max);
  }
  EXPECT_EQ(found.result.logits, model->run(source).logits);
}

TEST_F(PixelAttribution, OfAnOutputAddsUpToItsLogit) {
  const auto dict = test::pixel_mamba_dict(config);
  for (const std::int64_t output : {0, 1}) {
    const Attribution found = attribute(*model, source, {.output = output, .token_px = 2});
    const double bias = dict->get("head.bias").values<float>()[at(output)];
    EXPECT_NEAR(found.total, found.result.logits[at(output)] - bias, 1e-5);
    for (const RelevanceMap& map : found.maps) EXPECT_NEAR(map.sum, found.total, 1e-5);
  }
  // Classes: against the mean of all.
  config.head = models::HeadKind::kClassification;
  config.outputs = 3;
  const auto classes = test::formula_network(config);
  const auto weights = test::pixel_mamba_dict(config);
  const Attribution found = attribute(*classes, source, {.output = 2});
  double wanted = 0;
  for (std::int64_t o = 0; o < 3; ++o) {
    const double value = found.result.logits[at(o)] - weights->get("head.bias").values<float>()[at(o)];
    wanted += value * (o == 2 ? 2.0 / 3 : -1.0 / 3);
  }
  EXPECT_NEAR(found.total, wanted, 1e-5);
  EXPECT_NEAR(found.maps.back().sum, wanted, 1e-5);
}

TEST_F(PixelAttribution, ThreadsAndMemoryDoNotMatter) {
  const Attribution one = attribute(*model, source, {.output = 1, .token_px = 1, .threads = 1});
  for (const AttributionOptions& options :
       {AttributionOptions{.output = 1, .token_px = 1, .threads = 3},
        AttributionOptions{.output = 1, .token_px = 1, .store_bytes = 0, .threads = 2},
        AttributionOptions{.output = 1, .token_px = 1, .store_bytes = 50000}}) {
    const Attribution other = attribute(*model, source, options);
    for (std::size_t i = 0; i < one.maps.size(); ++i) {
      EXPECT_TRUE(same(one.maps[i].values, other.maps[i].values)) << i;
      EXPECT_TRUE(same(one.maps[i].local, other.maps[i].local)) << i;
    }
  }
}

TEST_F(PixelAttribution, StopsAtTheStageThatMemoryAllows) {
  const auto layouts = stage_layouts(config, source);
  const std::int64_t bytes = attribution_bytes(layouts, 2);
  const Attribution found = attribute(*model, source, {.memory_bytes = bytes});
  EXPECT_EQ(found.maps.back().stage, 2U);
  EXPECT_EQ(found.maps.back().token_px, 4);
  const Attribution finer = attribute(*model, source, {.memory_bytes = attribution_bytes(layouts, 0)});
  EXPECT_EQ(finer.maps.back().token_px, 1);
  EXPECT_TRUE(same(finer.maps[2].values, found.maps[2].values));
  EXPECT_THROW(attribute(*model, source, {.token_px = 1, .memory_bytes = bytes}), Error);
  EXPECT_THROW(attribute(*model, source, {.memory_bytes = 100}), Error);
  EXPECT_THROW(attribute(*model, source, {.token_px = 3}), Error);
  EXPECT_THROW(attribute(*model, source, {.output = 2}), Error);
  EXPECT_THROW(attribute(*model, source, {.output = -3}), Error);
  EXPECT_THROW(attribute(*model, source, {.store_bytes = -1}), Error);
}

TEST_F(PixelAttribution, SmallerSquaresHoldLess) {
  double last = 2;
  for (const std::int64_t local_px : {8, 4, 2, 1}) {
    const Attribution found = attribute(*model, source, {.token_px = 1, .local_px = local_px});
    EXPECT_LT(found.maps.back().local_share, last) << local_px;
    last = found.maps.back().local_share;
  }
  EXPECT_GT(last, 0);
  for (const std::int64_t local_px : {3, 16, -1}) {
    EXPECT_THROW(attribute(*model, source, {.local_px = local_px}), Error);
  }
}

TEST_F(PixelAttribution, ForwardNetworksDoNotLookBehindTheirToken) {
  config.stages = {{.dim = 8, .depth = 2, .d_state = 4, .bidirectional = tokens::Bidirectional::kNone}};
  config.pool = models::PoolKind::kMiddle;
  const auto forward = test::formula_network(config);
  const models::PictureRegions regions(config, picture);
  const Attribution found = attribute(*forward, regions);
  const auto order = tokens::serial_order(24, 40, 8, config.region_order, config.pixel_order);
  std::int64_t real = 0;
  for (const std::int32_t place : order) {
    const std::int64_t y = place / 40, x = place % 40;
    if (y >= 19 || x >= 37) continue;
    const float value = found.maps[0].values[at(y * 37 + x)];
    if (real > 37 * 19 / 2) {
      EXPECT_EQ(value, 0) << real;
    } else {
      EXPECT_GT(value, 0) << real;
    }
    ++real;
  }
}

TEST_F(PixelAttribution, DependsOnTheWeightsAndOnEachChoice) {
  const auto values = [&](const models::PixelMamba& network, const AttributionOptions& options) {
    return attribute(network, source, options).maps.back().values;
  };
  const std::vector<float> usual = values(*model, {.token_px = 2});
  // The same numbers in another order in all projections.
  const auto dict = test::pixel_mamba_dict(config);
  const std::vector<std::string> names = dict->names();
  for (const std::string& name : names) {
    if (name.find("proj") == std::string::npos || name.ends_with("bias")) continue;
    Tensor tensor = dict->get(name).to_f32();
    const std::vector<float> before(tensor.values<float>().begin(), tensor.values<float>().end());
    Tensor shuffled(DType::kF32, tensor.shape());
    for (std::size_t i = 0; i < before.size(); ++i) {
      shuffled.values<float>()[i] = before[(i * 7919 + 13) % before.size()];
    }
    dict->set(name, shuffled);
  }
  const auto random = models::PixelMamba::load(dict, {.precision = tokens::Precision::kFloat32});
  EXPECT_LT(correlation(usual, values(*random, {.token_px = 2})), 0.9);
  EXPECT_FALSE(same(usual, values(*model, {.token_px = 2, .shares = ChildShares::kEqual})));
  EXPECT_FALSE(same(usual, values(*model, {.token_px = 2, .weighting = Weighting::kAttention})));
  EXPECT_FALSE(same(usual, values(*model, {.token_px = 2, .weighting = Weighting::kChannels})));
  EXPECT_FALSE(same(usual, values(*model, {.token_px = 2, .sign = Sign::kSigned})));
}

// Other orders, merges, poolings and heads.
TEST_F(PixelAttribution, AddsUpInTheFixtureNetworks) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const char* name : {"bi_global", "bi_region", "hilbert", "padded", "raster_avg_survival", "uni"}) {
    const auto file =
        weights::StateDict::open(test::shared_fixture("mamba/pixel_mamba_" + std::string(name) + ".safetensors"));
    const auto dict = std::make_shared<test::MemoryDict>();
    for (const std::string& key : file->names()) {
      if (key.starts_with("weights.")) dict->set(key.substr(8), file->get(key));
    }
    dict->metadata() = file->metadata();
    const auto network = models::PixelMamba::load(dict, {.precision = tokens::Precision::kFloat32});
    const Tensor image = file->get("image");
    const models::NormalizedRegions regions(network->config(), image.values<float>(), image.shape()[1],
                                            image.shape()[2]);
    const Attribution found = attribute(*network, regions, {.output = 1});
    const Tensor bias = dict->get("head.bias");
    const std::vector<float>& logits = found.result.logits;
    double wanted = 0;
    for (std::size_t o = 0; o < logits.size(); ++o) {
      const bool classes = network->config().head == models::HeadKind::kClassification;
      const double share = (o == 1 ? 1.0 : 0.0) - (classes ? 1.0 / static_cast<double>(logits.size()) : 0.0);
      wanted += share * (logits[o] - bias.values<float>()[o]);
    }
    EXPECT_NEAR(found.total, wanted, 1e-5) << name;
    ASSERT_EQ(found.maps.size(), network->config().stages.size());
    for (const RelevanceMap& map : found.maps) EXPECT_NEAR(map.sum, wanted, 2e-5) << name << " " << map.stage;
    EXPECT_EQ(found.maps.back().columns, image.shape()[2]);
    EXPECT_EQ(std::ranges::count_if(found.maps.back().values, [](float value) { return std::isnan(value); }), 0);
  }
}

TEST_F(PixelAttribution, CanBeStopped) {
  CancelSource cancel;
  AttributionOptions options;
  options.progress = [&](const models::PixelMambaProgress& progress) {
    if (progress.stage.starts_with("relevance")) cancel.cancel();
  };
  EXPECT_THROW(attribute(*model, source, options, cancel.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::explain
