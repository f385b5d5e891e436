#include "explain/occlusion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "explain/covered_regions.hpp"
#include "explain/random_network.hpp"
#include "explain/region_memory.hpp"
#include "explain/square_regions.hpp"

namespace histojet::explain {
namespace {

using models::BackwardScope;
using models::PixelMambaConfig;
using tokens::Bidirectional;

class OcclusionTest : public testing::Test {
 protected:
  PixelMambaConfig config = test::deep_config();
  std::shared_ptr<const models::PixelMamba> model = test::formula_network(config);
  Image picture = test::wavy_picture(37, 19);
  models::PictureRegions source{config, picture};
};

/// What a square's score must be: everything computed again.
double score_of(const models::PixelMamba& model, const models::RegionSource& source, const OccludedSquare& square) {
  const CoveredSquare covered(model.config(), source, square.x_px, square.y_px, square.side_px);
  return model.run(covered).logits[1];
}

void expect_scores(const models::PixelMamba& model, const models::RegionSource& source, const Occlusion& found) {
  EXPECT_EQ(found.score, model.run(source).logits[1]);
  for (const OccludedSquare& square : found.squares) {
    ASSERT_EQ(square.change, score_of(model, source, square) - found.score)
        << square.x_px << " " << square.y_px << " " << square.side_px;
  }
}

TEST_F(OcclusionTest, ReportsTheChangeOfEverySquare) {
  const Occlusion found =
      occlude(*model, source, {.output = 1, .coarsest_px = 16, .finest_px = 4, .most_evaluations = 30});
  expect_scores(*model, source, found);
  EXPECT_EQ(found.result.logits, model->run(source).logits);
  EXPECT_LE(found.evaluations, 30);
  EXPECT_EQ(static_cast<std::size_t>(found.evaluations), found.squares.size() + 1);
  EXPECT_EQ(found.finest_px, 4);
  std::int64_t first = 0;
  for (const OccludedSquare& square : found.squares) {
    first += square.side_px == 16;
    EXPECT_FALSE(square.split && square.side_px == 4);
  }
  EXPECT_EQ(first, 3 * 2);
  EXPECT_GT(found.squares.size(), 6U);
  const std::vector<float> grid = found.grid(37, 19, 4);
  ASSERT_EQ(grid.size(), 10U * 5U);
  const OccludedSquare& last = found.squares.back();
  const double part = std::pow(4.0 / static_cast<double>(last.side_px), 2);
  EXPECT_FLOAT_EQ(grid[static_cast<std::size_t>(last.y_px / 4 * 10 + last.x_px / 4)],
                  static_cast<float>(last.change * part));
}

// Stages that carry states through all regions, or none; that end the network inside regions; that see the whole
// picture.
TEST_F(OcclusionTest, GivesTheSameNumbersInEveryKindOfNetwork) {
  std::vector<PixelMambaConfig> forms(4, config);
  forms[0].stages = {{.dim = 6, .d_state = 3, .bidirectional = Bidirectional::kNone},
                     {.dim = 8, .depth = 2, .d_state = 4, .bidirectional = Bidirectional::kNone}};
  forms[1].stages = {{.dim = 6, .d_state = 3}, {.dim = 8, .d_state = 4, .bidirectional = Bidirectional::kV1}};
  forms[1].pool = models::PoolKind::kMean;
  forms[2].stages = {{.dim = 6, .d_state = 3, .backward_scope = BackwardScope::kGlobal}, {.dim = 8, .d_state = 4}};
  forms[2].pool = models::PoolKind::kLast;
  forms[3].pool = models::PoolKind::kMiddle;
  forms[3].pixel_order = tokens::PixelOrder::kRaster;
  for (const PixelMambaConfig& form : forms) {
    const auto network = test::formula_network(form);
    const models::PictureRegions regions(form, picture);
    const OcclusionOptions options{.output = 1, .coarsest_px = 8, .finest_px = 4, .most_evaluations = 24};
    expect_scores(*network, regions, occlude(*network, regions, options));
  }
}

TEST_F(OcclusionTest, ThreadsAndMemoryDoNotMatter) {
  const OcclusionOptions one{
      .output = 1, .coarsest_px = 16, .finest_px = 4, .most_evaluations = 40, .run = {.threads = 1}};
  const Occlusion wanted = occlude(*model, source, one);
  for (const models::PixelMambaRunOptions& run :
       {models::PixelMambaRunOptions{.threads = 3}, models::PixelMambaRunOptions{.threads = 2, .store_bytes = 0},
        models::PixelMambaRunOptions{.store_bytes = 20000}}) {
    OcclusionOptions options = one;
    options.run = run;
    const Occlusion found = occlude(*model, source, options);
    ASSERT_EQ(found.squares.size(), wanted.squares.size());
    for (std::size_t i = 0; i < wanted.squares.size(); ++i) {
      EXPECT_EQ(found.squares[i].x_px, wanted.squares[i].x_px);
      EXPECT_EQ(found.squares[i].y_px, wanted.squares[i].y_px);
      EXPECT_EQ(found.squares[i].change, wanted.squares[i].change);
      EXPECT_EQ(found.squares[i].split, wanted.squares[i].split);
    }
    EXPECT_EQ(found.regions_computed, wanted.regions_computed);
  }
}

// With states that are forgotten within a few tokens, a square costs its region and the next.
TEST_F(OcclusionTest, ComputesWhatChangesAndNoMore) {
  config.stages = {{.dim = 6, .d_state = 3, .bidirectional = Bidirectional::kNone}, {.dim = 8, .d_state = 4}};
  const auto dict = test::pixel_mamba_dict(config);
  for (const std::string& name : dict->names()) {
    if (!name.ends_with("A_log")) continue;
    Tensor fast(DType::kF32, dict->get(name).shape());
    std::ranges::fill(fast.values<float>(), 8.0F);
    dict->set(name, fast);
  }
  const auto forgetful = models::PixelMamba::load(dict, {.precision = tokens::Precision::kFloat32});
  const models::PictureRegions regions(config, picture);
  const Occlusion found = occlude(*forgetful, regions, {.output = 1, .coarsest_px = 8, .finest_px = 8});
  expect_scores(*forgetful, regions, found);
  EXPECT_EQ(found.evaluations, 16);
  EXPECT_LE(found.regions_computed, 15 + 2 * 15);
  EXPECT_GE(found.regions_computed, 15 + 15);
}

TEST_F(OcclusionTest, AMemoryFollowsThePicture) {
  CoveredRegions covered(config, source, 8);
  models::StoreBudget budget{.free_bytes = 1 << 20};
  RegionMemory memory(budget);
  EXPECT_TRUE(memory.empty());
  KeepingRun keeping(memory);
  EXPECT_EQ(model->run(covered, {.reuse = &keeping}).logits, model->run(source).logits);
  EXPECT_FALSE(memory.empty());
  for (const std::int64_t region : {3, 4, 11, 0}) {
    const tokens::GridCell cell = source.regions()[static_cast<std::size_t>(region)];
    covered.cover(cell.row * covered.columns() + cell.column);
    ChangedRun changed = ChangedRun::updating(memory, {region});
    EXPECT_EQ(model->run(covered, {.reuse = &changed}).logits, model->run(covered).logits);
    EXPECT_GE(changed.computed(), 1);
    ChangedRun nothing(memory, {});
    EXPECT_EQ(model->run(covered, {.reuse = &nothing}).logits, model->run(covered).logits);
    EXPECT_EQ(nothing.computed(), 0);
  }
}

TEST_F(OcclusionTest, FindsTheRegionsUnderASquare) {
  const SquareRegions squares(source, 8);
  EXPECT_EQ(squares.under(0, 0, 8), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(squares.under(7, 7, 2), (std::vector<std::int64_t>{0, 1, 8, 9}));  // the second row runs back
  EXPECT_EQ(squares.under(32, 16, 64), (std::vector<std::int64_t>{14}));
  EXPECT_TRUE(squares.under(37, 0, 8).empty());
  EXPECT_TRUE(squares.under(0, 19, 8).empty());
  const test::SomeRegions some(config, picture);
  EXPECT_EQ(SquareRegions(some, 8).under(0, 0, 64).size(), some.regions().size());
}

TEST_F(OcclusionTest, SkipsWhatTheNetworkDoesNotSee) {
  const test::SomeRegions some(config, picture);
  const Occlusion found = occlude(*model, some, {.output = 1, .coarsest_px = 8, .finest_px = 8});
  EXPECT_EQ(found.squares.size(), some.regions().size());
  expect_scores(*model, some, found);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 24}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 8, .finest_px = 3}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 8, .finest_px = 16}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = -8}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 8, .most_evaluations = 10}), Error);
  EXPECT_THROW(occlude(*model, source, {.output = 2}), Error);
}

TEST_F(OcclusionTest, FollowsWhatTheHeadSays) {
  config.head = models::HeadKind::kClassification;
  config.outputs = 3;
  const auto classes = test::formula_network(config);
  const models::PixelMambaResult result = classes->run(source);
  const Occlusion found = occlude(*classes, source, {.coarsest_px = 16, .finest_px = 16, .most_evaluations = 16});
  const auto best = std::ranges::max_element(result.logits);
  EXPECT_EQ(found.output, best - result.logits.begin());
  EXPECT_NEAR(found.score, *best - (result.logits[0] + result.logits[1] + result.logits[2]) / 3, 1e-6);
  models::PixelMambaResult graded;
  graded.head.probabilities = {0.1, 0.2, 0.7};
  graded.logits = {1, 2};
  config.head = models::HeadKind::kOrdinal;
  config.outputs = 2;
  EXPECT_EQ(predicted_output(config, graded), 1);
  graded.head.probabilities = {0.8, 0.1, 0.1};
  EXPECT_EQ(predicted_output(config, graded), 0);
  config.head = models::HeadKind::kSurvivalDiscrete;
  graded.head.risk = -1.5;
  EXPECT_EQ(predicted_output(config, graded), kNoOutput);
  EXPECT_EQ(target_score(config, graded, kNoOutput), -1.5);
  config.head = models::HeadKind::kRegression;
  EXPECT_EQ(predicted_output(config, graded), kNoOutput);
  EXPECT_THROW(target_score(config, graded, kNoOutput), Error);
  EXPECT_EQ(target_score(config, graded, 1), 2);
  config.outputs = 1;
  EXPECT_EQ(predicted_output(config, graded), 0);
}

TEST_F(OcclusionTest, TellsHowFarItIsAndCanBeStopped) {
  std::vector<models::PixelMambaProgress> reports;
  OcclusionOptions options{.coarsest_px = 16, .finest_px = 8};
  options.run.progress = [&](const models::PixelMambaProgress& progress) { reports.push_back(progress); };
  const Occlusion found = occlude(*model, source, options);
  EXPECT_EQ(reports.front().stage, "regions");
  EXPECT_EQ(reports.back().stage, "occlusion");
  EXPECT_EQ(reports.back().done, found.evaluations - 1);
  EXPECT_EQ(reports.back().total, found.evaluations - 1);
  CancelSource cancel;
  options.run.progress = [&](const models::PixelMambaProgress& progress) {
    if (progress.stage == "occlusion") cancel.cancel();
  };
  EXPECT_THROW(occlude(*model, source, options, cancel.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::explain
