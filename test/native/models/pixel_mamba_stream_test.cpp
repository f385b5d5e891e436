#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "base/error.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "models/pixel_mamba_check.hpp"

namespace histojet::models {
namespace {

using test::expect_reference;
using test::SomeRegions;
using test::wavy_picture;
using tokens::Bidirectional;

/// Three stages: pixels forward only, pairs of pixels with both directions inside regions, a global one.
PixelMambaConfig mixed_config(std::int64_t region_px) {
  PixelMambaConfig config;
  config.region_size_px = region_px;
  config.mean = {0.5F, 0.5F, 0.5F};
  config.std = {0.25F, 0.25F, 0.25F};
  config.pad_value = {2, 2, 2};
  config.stages = {{.dim = 8, .d_state = 4, .bidirectional = Bidirectional::kNone},
                   {.dim = 12, .depth = 2, .d_state = 4, .backward_scope = BackwardScope::kRegion},
                   {.dim = 20, .depth = 2, .d_state = 5, .backward_scope = BackwardScope::kGlobal},
                   {.dim = 24, .d_state = 8, .backward_scope = BackwardScope::kRegion}};
  config.pool = PoolKind::kAttention;
  config.outputs = 3;
  return config;
}

bool all_of_them(tokens::GridCell) {
  return true;
}

TEST(PixelMambaStream, EqualsTheWholePictureInDoublePrecision) {
  const Image image = wavy_picture(190, 133);
  for (const std::int64_t region : {16, 64, 256}) {
    SCOPED_TRACE(region);
    const PixelMambaConfig config = mixed_config(region);
    expect_reference(config, PictureRegions(config, image));
  }
}

TEST(PixelMambaStream, EqualsTheReferenceInEveryOrderMergeAndPool) {
  const Image image = wavy_picture(57, 50);
  PixelMambaConfig config = mixed_config(16);
  const std::tuple<tokens::PixelOrder, MergeKind, PoolKind> forms[] = {
      {tokens::PixelOrder::kHilbert, MergeKind::kConv2x2, PoolKind::kMiddle},
      {tokens::PixelOrder::kSnake, MergeKind::kAverage2x2, PoolKind::kLast},
      {tokens::PixelOrder::kRaster, MergeKind::kConcat2x2, PoolKind::kMean}};
  for (const auto& [order, merge, pool] : forms) {
    config.pixel_order = order;
    config.merge = merge;
    config.pool = pool;
    SCOPED_TRACE(pixel_mamba_json(config));
    expect_reference(config, PictureRegions(config, image));
  }
}

TEST(PixelMambaStream, TokensOfThePatchedStemEqualTheReference) {
  const Image image = wavy_picture(50, 41);
  PixelMambaConfig config = mixed_config(32);
  config.patch_px = 4;
  config.stages.resize(3);
  expect_reference(config, PictureRegions(config, image));
}

/// Regions of 4 px and tokens up to 16: cells of several regions, with odd grids.
PixelMambaConfig coarse_config(BackwardScope scope, Bidirectional bidirectional) {
  PixelMambaConfig config = mixed_config(4);
  config.stages = {{.dim = 8, .d_state = 4, .bidirectional = Bidirectional::kNone},
                   {.dim = 8, .d_state = 4, .backward_scope = BackwardScope::kRegion},
                   {.dim = 12, .d_state = 4, .backward_scope = BackwardScope::kGlobal},
                   {.dim = 16, .depth = 2, .d_state = 4, .bidirectional = bidirectional, .backward_scope = scope},
                   {.dim = 20, .d_state = 4, .bidirectional = bidirectional, .backward_scope = scope}};
  return config;
}

TEST(PixelMambaStream, TokensThatCoverSeveralRegionsEqualTheReference) {
  const Image image = wavy_picture(43, 37);
  for (const Bidirectional directions : {Bidirectional::kNone, Bidirectional::kV2}) {
    for (const BackwardScope scope : {BackwardScope::kRegion, BackwardScope::kGlobal}) {
      const PixelMambaConfig config = coarse_config(scope, directions);
      SCOPED_TRACE(pixel_mamba_json(config));
      expect_reference(config, PictureRegions(config, image));
      const auto keep = [](tokens::GridCell cell) { return (cell.row * 5 + cell.column * 3) % 7 > 2; };
      expect_reference(config, SomeRegions(config, image, keep));
    }
  }
}

TEST(PixelMambaStream, SkippedRegionsHaveNoTokensAndStateGoesOn) {
  const Image image = wavy_picture(190, 133);
  const PixelMambaConfig config = mixed_config(32);
  SomeRegions some(config, image, [](tokens::GridCell cell) { return (cell.row + 2 * cell.column) % 3 != 0; });
  expect_reference(config, some);
  some.masked = true;
  expect_reference(config, some);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  const PixelMambaResult result = model->run(some);
  EXPECT_EQ(result.regions, static_cast<std::int64_t>(some.regions().size()));
  EXPECT_EQ(result.regions + result.regions_skipped, 6 * 5);
  EXPECT_THROW(model->run(SomeRegions(config, image, [](tokens::GridCell) { return false; })), Error);
}

TEST(PixelMambaStream, NeitherThreadsNorBudgetChangeABit) {
  const Image image = wavy_picture(1024, 768);
  for (const std::int64_t region : {64, 128, 256, 512}) {
    const PixelMambaConfig config = mixed_config(region);
    const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
    const PictureRegions regions(config, image);
    const PixelMambaResult whole = model->run(regions, {.threads = 1});
    EXPECT_EQ(whole.spilled_bytes, 0);
    const std::vector<std::pair<int, std::int64_t>> ways =
        region == 64 ? std::vector<std::pair<int, std::int64_t>>{{1, 0}, {2, 1 << 20}, {8, 0}}
                     : std::vector<std::pair<int, std::int64_t>>{{2, 1 << 19}};
    for (const auto& [threads, bytes] : ways) {
      const PixelMambaResult streamed = model->run(regions, {.threads = threads, .store_bytes = bytes});
      EXPECT_EQ(streamed.features, whole.features) << region << " px, " << threads << " threads, " << bytes;
      EXPECT_EQ(streamed.logits, whole.logits);
      EXPECT_GT(streamed.spilled_bytes, 0);
    }
  }
}

TEST(PixelMambaStream, DirectionsThatShareAConvolutionEqualTheReference) {
  const Image image = wavy_picture(75, 70);
  PixelMambaConfig config = mixed_config(16);
  config.stages[1].bidirectional = config.stages[2].bidirectional = Bidirectional::kV1;
  expect_reference(config, PictureRegions(config, image));
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  const PictureRegions regions(config, image);
  const PixelMambaResult whole = model->run(regions, {.threads = 1});
  EXPECT_EQ(model->run(regions, {.threads = 2, .store_bytes = 0}).features, whole.features);
}

TEST(PixelMambaStream, SequencesOfSeveralChunksEqualTheReference) {
  const Image image = wavy_picture(200, 190);
  PixelMambaConfig config = mixed_config(16);
  for (const Bidirectional directions : {Bidirectional::kV1, Bidirectional::kV2}) {
    // About 40 000 tokens: either direction takes more than one chunk to the middle.
    config.stages = {{.dim = 8, .d_state = 3, .bidirectional = directions, .backward_scope = BackwardScope::kGlobal}};
    expect_reference(config, PictureRegions(config, image));
  }
}

TEST(PixelMambaStream, ProgressGrowsToItsEnd) {
  const Image image = wavy_picture(200, 100);
  const PixelMambaConfig config = mixed_config(32);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  std::vector<PixelMambaProgress> seen;
  const PictureRegions regions(config, image);
  model->run(regions, {.progress = [&](const PixelMambaProgress& progress) { seen.push_back(progress); }});
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().stage, "regions");
  EXPECT_EQ(seen.front().total, 28);
  EXPECT_EQ(seen.back().stage, "stage 3");
  EXPECT_EQ(seen.back().done, seen.back().total);
}

TEST(PixelMambaStream, AnAbortEndsTheRunSoon) {
  const Image image = wavy_picture(2048, 1024);
  const PixelMambaConfig config = mixed_config(256);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  const PictureRegions regions(config, image);
  CancelSource abort;
  std::chrono::steady_clock::time_point asked;
  std::thread waiter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    asked = std::chrono::steady_clock::now();
    abort.cancel();
  });
  EXPECT_THROW(model->run(regions, {}, abort.token()), Cancelled);
  const auto ended = std::chrono::steady_clock::now();
  waiter.join();
  EXPECT_LT(ended - asked, std::chrono::seconds(1));
}

TEST(PixelMambaStream, AFailureOfTheSourceIsTheRunsFailure) {
  const Image image = wavy_picture(256, 256);
  const PixelMambaConfig config = mixed_config(32);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  for (const int at : {1, 7, 64}) {
    SomeRegions regions(config, image, all_of_them);
    regions.fail_at = at;
    try {
      model->run(regions);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
    }
  }
  EXPECT_THROW(model->run(PictureRegions(config, image), {.store_bytes = 0, .spill_folder = "/nowhere/at/all"}), Error);
}

void expect_load_fails(const std::shared_ptr<test::MemoryDict>& dict, ErrorCode code, const std::string& message) {
  try {
    PixelMamba::load(dict, {});
    ADD_FAILURE() << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

TEST(PixelMambaLoad, WhatDoesNotFitIsNamed) {
  const PixelMambaConfig config = mixed_config(16);
  auto dict = test::pixel_mamba_dict(config);
  dict->remove("stages.1.blocks.1.mixer.x_proj.weight");
  expect_load_fails(dict, ErrorCode::kMissingWeight, "stages.1.blocks.1.mixer.x_proj.weight");
  dict = test::pixel_mamba_dict(config);
  dict->set("stages.0.merge.reduction.weight", Tensor(DType::kF32, {12, 8}));
  expect_load_fails(dict, ErrorCode::kShapeMismatch, "[12, 8], the model expects [12, 32]");
  dict = test::pixel_mamba_dict(config);
  dict->set("stages.9.blocks.0.norm.weight", Tensor(DType::kF32, {8}));
  expect_load_fails(dict, ErrorCode::kUnsupportedFormat, "stages.9.blocks.0.norm.weight");
  dict = test::pixel_mamba_dict(config);
  dict->metadata().clear();
  expect_load_fails(dict, ErrorCode::kInvalidArgument, "metadata `config`");
  dict = test::pixel_mamba_dict(config);
  Tensor broken(DType::kF32, {24});
  broken.values<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  dict->set("norm_f.weight", broken);
  expect_load_fails(dict, ErrorCode::kInvalidArgument, "'norm_f.weight' holds a value that is no finite number");
}

TEST(PixelMambaLoad, KeysOfAWrappedNetworkAreFound) {
  const PixelMambaConfig config = mixed_config(16);
  const auto dict = test::pixel_mamba_dict(config);
  auto wrapped = std::make_shared<test::MemoryDict>();
  for (const std::string& name : dict->names()) wrapped->set("module." + name, dict->get(name));
  const Image image = wavy_picture(40, 40);
  const PictureRegions regions(config, image);
  EXPECT_EQ(PixelMamba::load(wrapped, {}, &config)->run(regions).logits,
            PixelMamba::load(dict, {})->run(regions).logits);
}

TEST(PixelMambaLoad, OutputsThatAreNoNumbersAreAnError) {
  const PixelMambaConfig config = mixed_config(16);
  auto dict = test::pixel_mamba_dict(config);
  Tensor huge(DType::kF32, {8});
  for (float& value : huge.values<float>()) value = 3e38F;
  dict->set("stem.proj.bias", huge);
  const Image image = wavy_picture(40, 40);
  EXPECT_THROW(PixelMamba::load(dict, {})->run(PictureRegions(config, image)), Error);
}

TEST(PixelMambaHead, LogitsBecomeWhatTheHeadMeans) {
  const std::vector<float> logits{1, -1};
  const HeadResult classes = interpret_logits(HeadKind::kClassification, logits);
  EXPECT_NEAR(classes.probabilities[0], 1 / (1 + std::exp(-2.0)), 1e-12);
  const HeadResult ordinal = interpret_logits(HeadKind::kOrdinal, logits);
  const double high = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(ordinal.above[0], high, 1e-12);
  ASSERT_EQ(ordinal.probabilities.size(), 3U);
  EXPECT_NEAR(ordinal.probabilities[0], 1 - high, 1e-12);
  EXPECT_NEAR(ordinal.probabilities[1], 2 * high - 1, 1e-12);
  EXPECT_NEAR(ordinal.probabilities[2], 1 - high, 1e-12);
  const HeadResult crossed = interpret_logits(HeadKind::kOrdinal, std::vector<float>{-1, 1});
  EXPECT_EQ(crossed.probabilities[1], 0);
  EXPECT_NEAR(crossed.probabilities[0] + crossed.probabilities[2], 1, 1e-12);
  const HeadResult survival = interpret_logits(HeadKind::kSurvivalDiscrete, logits);
  EXPECT_NEAR(survival.hazards[0], high, 1e-12);
  EXPECT_NEAR(survival.survival[1], (1 - high) * high, 1e-12);
  EXPECT_NEAR(survival.risk, -(1 - high) - (1 - high) * high, 1e-12);
  EXPECT_EQ(interpret_logits(HeadKind::kCox, std::vector<float>{0.5F}).risk, 0.5);
  EXPECT_EQ(interpret_logits(HeadKind::kRegression, logits).values, (std::vector<double>{1, -1}));
}

}  // namespace
}  // namespace histojet::models
