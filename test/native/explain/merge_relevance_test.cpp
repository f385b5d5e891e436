#include "explain/merge_relevance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "explain/random_network.hpp"

namespace histojet::explain {
namespace {

using models::MergeKind;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

constexpr std::int64_t kIn = 6, kOut = 9, kStep = 16;

struct Merge {
  explicit Merge(MergeKind kind) {
    config = test::deep_config();
    config.merge = kind;
    config.stages = {config.stages[0], config.stages[1]};
    config.stages[0].dim = kIn;
    config.stages[1].dim = kOut;
    dict = test::pixel_mamba_dict(config);
    model = models::PixelMamba::load(dict, {.precision = tokens::Precision::kFloat32});
  }
  const models::TokenMerge& layer() const { return model->network().stages[0].merge; }
  std::vector<float> weight(const std::string& name) const {
    const Tensor tensor = dict->get("stages.0.merge." + name);
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }
  models::PixelMambaConfig config;
  std::shared_ptr<test::MemoryDict> dict;
  std::shared_ptr<const models::PixelMamba> model;
};

/// The length of what child `k` adds, from the weights.
double part_length(const Merge& merge, const std::vector<double>& four, std::int64_t k) {
  const MergeKind kind = merge.config.merge;
  const std::vector<float> reduction = merge.weight("reduction.weight");
  std::vector<double> part(at(kIn));
  double mean = 0, variance = 0;
  for (const double value : four) mean += value / (4 * kIn);
  for (const double value : four) variance += (value - mean) * (value - mean) / (4 * kIn);
  for (std::int64_t c = 0; c < kIn; ++c) {
    part[at(c)] = four[at(k * kIn + c)];
    if (kind == MergeKind::kAverage2x2) part[at(c)] /= 4;
    if (kind == MergeKind::kConcat2x2) {
      part[at(c)] = (part[at(c)] - mean) / std::sqrt(variance + 1e-5) * merge.weight("norm.weight")[at(k * kIn + c)];
    }
  }
  double squares = 0;
  for (std::int64_t o = 0; o < kOut; ++o) {
    double sum = 0;
    for (std::int64_t c = 0; c < kIn; ++c) {
      const std::int64_t column = kind == MergeKind::kAverage2x2  ? o * kIn + c
                                  : kind == MergeKind::kConcat2x2 ? (o * 4 + k) * kIn + c
                                                                  : ((o * kIn + c) * 2 + k % 2) * 2 + k / 2;
      sum += reduction[at(column)] * part[at(c)];
    }
    squares += sum * sum;
  }
  return std::sqrt(squares);
}

TEST(ChildNorms, AreTheLengthsOfTheFourParts) {
  for (const MergeKind kind : {MergeKind::kConcat2x2, MergeKind::kAverage2x2, MergeKind::kConv2x2}) {
    const Merge merge(kind);
    std::vector<float> in(at(80 * kStep));
    for (std::size_t i = 0; i < in.size(); ++i) {
      in[i] = static_cast<float>(test::formula_unit(4, static_cast<std::uint32_t>(i)));
    }
    std::vector<std::array<std::int32_t, 4>> sources;
    for (std::int32_t i = 0; i < 20; ++i) sources.push_back({4 * i + 2, i == 17 ? -1 : 4 * i, 4 * i + 3, 4 * i + 1});
    std::vector<std::array<float, 4>> norms(sources.size());
    models::PixelScratch scratch;
    merge.layer().child_norms(in.data(), sources, norms.data(), scratch);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      std::vector<double> four(at(4 * kIn));
      for (std::int64_t k = 0; k < 4; ++k) {
        for (std::int64_t c = 0; c < kIn && sources[i][at(k)] >= 0; ++c) {
          four[at(k * kIn + c)] = in[at(sources[i][at(k)] * kStep + c)];
        }
      }
      for (std::int64_t k = 0; k < 4; ++k) {
        const double wanted = sources[i][at(k)] < 0 ? 0 : part_length(merge, four, k);
        EXPECT_NEAR(norms[i][at(k)], wanted, 1e-5) << static_cast<int>(kind) << " " << i << " " << k;
      }
    }
  }
}

class MadeTokens final : public TokenReader {
 public:
  explicit MadeTokens(std::int64_t count) : count_(count) {}
  std::int64_t tokens() const override { return count_; }
  void read(std::int64_t first, std::int64_t count, float* to, std::int64_t step) const override {
    for (std::int64_t i = 0; i < count * step; ++i) {
      to[i] = static_cast<float>(test::formula_unit(9, static_cast<std::uint32_t>(first * step + i)));
    }
  }

 private:
  std::int64_t count_;
};

TEST(ShareAmongChildren, KeepsTheSumOfEveryToken) {
  const Merge merge(MergeKind::kConcat2x2);
  const Image picture = test::wavy_picture(24, 16);
  const models::PictureRegions source(merge.config, picture);
  const auto layouts = stage_layouts(merge.config, source);
  const MergePlan plan(layouts[0], layouts[1], merge.config.region_order,
                       merge.model->network().stages[0].merge_sources);
  const MadeTokens children(layouts[0].tokens());
  Relevance relevance{std::vector<float>(at(layouts[1].tokens())), {}};
  std::iota(relevance.all.begin(), relevance.all.end(), 1.0F);
  relevance.local = relevance.all;
  for (float& value : relevance.local) value *= 0.25F;
  for (const ChildShares shares : {ChildShares::kNorms, ChildShares::kEqual}) {
    const Relevance finer = share_among_children(merge.layer(), plan, children, shares, relevance, 2, {});
    std::vector<double> sums(relevance.all.size());
    bool equal = true;
    // In this order four children lie in a row.
    for (std::size_t i = 0; i < finer.all.size(); ++i) {
      sums[i / 4] += finer.all[i];
      equal = equal && std::fabs(finer.all[i] - relevance.all[i / 4] / 4) < 1e-6;
      EXPECT_NEAR(finer.local[i], 0.25F * finer.all[i], 1e-6);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], relevance.all[i], 1e-5 * relevance.all[i]);
    EXPECT_EQ(equal, shares == ChildShares::kEqual);
  }
}

}  // namespace
}  // namespace histojet::explain
