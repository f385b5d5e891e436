#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "models/pixel_mamba_check.hpp"

namespace histojet::models {
namespace {

using test::SomeRegions;
using test::wavy_picture;
using tokens::Bidirectional;

/// Keeps the tokens behind each stage.
class Outputs final : public RunListener {
 public:
  void after_stage(std::size_t stage, std::int64_t first, std::int64_t count, const float* tokens,
                   std::int64_t step) override {
    std::lock_guard lock(mutex_);
    for (std::int64_t i = 0; i < count; ++i) stages[stage][first + i] = {tokens + i * step, tokens + (i + 1) * step};
  }
  std::map<std::size_t, std::map<std::int64_t, std::vector<float>>> stages;

 private:
  std::mutex mutex_;
};

/// Every token of every stage, features and logits are those of the reference.
void expect_tokens(const PixelMambaConfig& config, const RegionSource& source) {
  const auto dict = test::pixel_mamba_dict(config);
  Outputs outputs;
  const PixelMambaResult result = PixelMamba::load(dict, {})->run(source, {.threads = 2, .listener = &outputs});
  test::ReferencePixelMamba reference(dict, config);
  const std::vector<double> logits = reference(source);
  for (std::size_t s = 0; s < reference.taps.size(); ++s) {
    ASSERT_EQ(outputs.stages[s].size(), reference.taps[s].size()) << "stage " << s;
    double largest = 0, worst = 0;
    for (std::size_t t = 0; t < reference.taps[s].size(); ++t) {
      const std::vector<double>& expected = reference.taps[s][t];
      const std::vector<float>& found = outputs.stages[s].at(static_cast<std::int64_t>(t));
      for (std::size_t c = 0; c < expected.size(); ++c) {
        largest = std::max(largest, std::abs(expected[c]));
        worst = std::max(worst, std::abs(static_cast<double>(found[c]) - expected[c]));
      }
    }
    EXPECT_LE(worst, 2e-5 * largest) << "stage " << s;
  }
  double largest = 0;
  for (const double feature : reference.features) largest = std::max(largest, std::abs(feature));
  for (std::size_t i = 0; i < result.features.size(); ++i) {
    EXPECT_NEAR(result.features[i], reference.features[i], 1e-5 * largest) << "feature " << i;
  }
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(result.logits[i], logits[i], 1e-5 * (1 + largest));
}

bool most_of_them(tokens::GridCell cell) {
  return (cell.row * 5 + cell.column * 3) % 7 > 2;
}

/// With all regions, with some of them, and with a mask; and the same bits for any threads and memory.
void expect_reference_everywhere(const PixelMambaConfig& config, std::int64_t width = 43, std::int64_t height = 37) {
  SCOPED_TRACE(pixel_mamba_json(config));
  check_pixel_mamba(config);
  EXPECT_EQ(parse_pixel_mamba(pixel_mamba_json(config)), config);
  const Image image = wavy_picture(width, height);
  expect_tokens(config, PictureRegions(config, image));
  SomeRegions some(config, image, most_of_them);
  expect_tokens(config, some);
  some.masked = true;
  expect_tokens(config, some);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  const PixelMambaResult one = model->run(some, {.threads = 1});
  for (const auto& [threads, bytes] : {std::pair{2, std::int64_t{1} << 30}, {8, std::int64_t{1} << 21}, {3, 0}}) {
    bool in_memory = false;
    for (std::size_t s = 0; s < config.stages.size(); ++s) {
      in_memory = in_memory || (config.stages[s].scan == ScanKind::kCross2d && config.is_global(s));
    }
    if (in_memory && bytes == 0) continue;
    const PixelMambaResult other = model->run(some, {.threads = threads, .store_bytes = bytes});
    EXPECT_EQ(other.features, one.features) << threads << " threads, " << bytes << " bytes";
    EXPECT_EQ(other.logits, one.logits);
  }
}

PixelMambaConfig config_of(std::int64_t region_px, std::vector<PixelMambaStage> stages) {
  PixelMambaConfig config;
  config.region_size_px = region_px;
  config.mean = {0.5F, 0.5F, 0.5F};
  config.std = {0.25F, 0.25F, 0.25F};
  config.pad_value = {2, 2, 2};
  config.stages = std::move(stages);
  config.pool = PoolKind::kAttention;
  config.outputs = 3;
  return config;
}

/// Pixels forward only, both directions inside regions, a stage over the whole picture, and, with regions of 4 px, two
/// whose tokens cover several regions.
std::vector<PixelMambaStage> stages_of(std::size_t count) {
  std::vector<PixelMambaStage> stages{{.dim = 8, .d_state = 3, .bidirectional = Bidirectional::kNone},
                                      {.dim = 8, .depth = 2, .d_state = 4, .backward_scope = BackwardScope::kRegion},
                                      {.dim = 12, .d_state = 4, .backward_scope = BackwardScope::kGlobal},
                                      {.dim = 16, .depth = 2, .d_state = 3, .backward_scope = BackwardScope::kGlobal},
                                      {.dim = 20, .d_state = 4, .backward_scope = BackwardScope::kRegion}};
  stages.resize(count);
  return stages;
}

TEST(PixelMambaOptions, AnMlpFollowsTheMixer) {
  auto stages = stages_of(5);
  for (const std::size_t s : {0, 1, 3}) stages[s].mlp_ratio = 2.5;
  stages[2].mlp_ratio = 1;
  expect_reference_everywhere(config_of(4, stages));
  stages[4].mlp_ratio = 4;
  stages[4].bidirectional = Bidirectional::kNone;
  expect_reference_everywhere(config_of(4, stages));
}

TEST(PixelMambaOptions, PairsMergeSideBySideAndOneAboveTheOtherInTurn) {
  for (const MergeKind merge : {MergeKind::kConcat1x2, MergeKind::kConcat2x1}) {
    for (const auto order : {tokens::PixelOrder::kZorder, tokens::PixelOrder::kHilbert, tokens::PixelOrder::kRaster,
                             tokens::PixelOrder::kSnake}) {
      PixelMambaConfig config = config_of(8, stages_of(5));
      config.merge = merge;
      config.pixel_order = order;
      expect_reference_everywhere(config);
    }
  }
}

TEST(PixelMambaOptions, PairsOutgrowRegions) {
  for (const MergeKind merge : {MergeKind::kConcat1x2, MergeKind::kConcat2x1}) {
    PixelMambaConfig config = config_of(2, stages_of(5));
    config.merge = merge;
    config.region_order = tokens::RegionOrder::kRaster;
    config.pool = PoolKind::kMiddle;
    EXPECT_TRUE(config.is_coarse(3));
    EXPECT_EQ(config.token_size_px(3), merge == MergeKind::kConcat1x2 ? (GridSize{2, 4}) : (GridSize{4, 2}));
    expect_reference_everywhere(config);
  }
}

TEST(PixelMambaOptions, PositionsAreAdded) {
  auto stages = stages_of(5);
  for (auto& stage : stages) stage.pos = PositionKind::kSincos2d;
  expect_reference_everywhere(config_of(4, stages));
  PixelMambaConfig pairs = config_of(8, stages);
  pairs.merge = MergeKind::kConcat1x2;
  expect_reference_everywhere(pairs);
}

TEST(PixelMambaOptions, RegionsEndWithTheMeanOfTheirTokens) {
  for (const PoolKind pool : {PoolKind::kMean, PoolKind::kLast, PoolKind::kAttention, PoolKind::kMiddle}) {
    PixelMambaConfig config = config_of(16, stages_of(4));
    config.region_tokens = true;
    config.pool = pool;
    expect_reference_everywhere(config);
  }
  PixelMambaConfig coarse = config_of(4, stages_of(5));
  coarse.region_tokens = true;
  coarse.stages[1].pos = PositionKind::kSincos2d;
  EXPECT_TRUE(coarse.has_region_token(2));
  EXPECT_FALSE(coarse.has_region_token(3));
  expect_reference_everywhere(coarse);
}

/// Stages that scan a grid in regions and over the picture, one whose tokens are regions, and coarse ones.
PixelMambaConfig grid_config(ScanKind scan, Bidirectional bidirectional) {
  auto stages = stages_of(5);
  for (auto& stage : stages) {
    stage.scan = scan;
    if (scan == ScanKind::kWindow) stage.window = 3;
    stage.bidirectional = bidirectional;
    if (scan == ScanKind::kCross2d) {
      stage.d_conv = 3;
      stage.bidirectional = Bidirectional::kV2;
    }
  }
  stages[1].backward_scope = BackwardScope::kGlobal;
  stages[1].mlp_ratio = 2;
  return config_of(4, stages);
}

TEST(PixelMambaOptions, GridsAreScannedInFourOrders) {
  PixelMambaConfig config = grid_config(ScanKind::kCross2d, Bidirectional::kV2);
  expect_reference_everywhere(config);
  config.stages[0].d_conv = 5;
  config.stages[2].d_conv = 7;
  config.stages.resize(4);
  config.region_size_px = 16;
  config.pixel_order = tokens::PixelOrder::kSnake;
  expect_reference_everywhere(config);
}

TEST(PixelMambaOptions, GridsAreScannedAlongRowsAndColumns) {
  for (const Bidirectional bidirectional : {Bidirectional::kNone, Bidirectional::kV2}) {
    PixelMambaConfig config = grid_config(ScanKind::kScan2d, bidirectional);
    expect_reference_everywhere(config);
    config.stages.resize(4);
    config.region_size_px = 16;
    config.pixel_order = tokens::PixelOrder::kHilbert;
    config.stages[3].divide_out = false;
    expect_reference_everywhere(config);
  }
}

TEST(PixelMambaOptions, WindowsAreScannedOneAfterTheOther) {
  for (const Bidirectional bidirectional : {Bidirectional::kNone, Bidirectional::kV1, Bidirectional::kV2}) {
    PixelMambaConfig config = grid_config(ScanKind::kWindow, bidirectional);
    expect_reference_everywhere(config);
    config.stages.resize(4);
    config.region_size_px = 16;
    config.region_tokens = true;
    config.stages[2].window = 2;
    expect_reference_everywhere(config);
  }
}

TEST(PixelMambaOptions, ScansOfAllKindsFollowEachOther) {
  auto stages = stages_of(5);
  stages[0].scan = ScanKind::kWindow;
  stages[1].scan = ScanKind::kCross2d;
  stages[1].bidirectional = Bidirectional::kV2;
  stages[1].d_conv = 3;
  stages[2].scan = ScanKind::kScan2d;
  PixelMambaConfig config = config_of(8, stages);
  config.merge = MergeKind::kConcat2x1;
  config.region_tokens = true;
  expect_reference_everywhere(config);
  config.merge = MergeKind::kConv2x2;
  expect_reference_everywhere(config);
}

/// On pictures without a padded border: its tokens are so alike that rounding decides which of them merge.
TEST(PixelMambaOptions, SimilarTokensMerge) {
  for (const PoolKind pool : {PoolKind::kMean, PoolKind::kLast, PoolKind::kAttention}) {
    PixelMambaConfig config = config_of(8, stages_of(4));
    config.merge = MergeKind::kTome;
    config.tome_window = 16;
    config.pool = pool;
    expect_reference_everywhere(config, 48, 32);
  }
  PixelMambaConfig config = config_of(16, stages_of(3));
  config.stages[0].scan = ScanKind::kWindow;
  config.stages[0].pos = PositionKind::kSincos2d;
  config.stages[1].mlp_ratio = 1;
  config.merge = MergeKind::kTome;
  config.tome_window = 23;
  config.tome_keep = 0.7;
  config.region_tokens = true;
  expect_reference_everywhere(config, 48, 32);
}

TEST(PixelMambaOptions, TheWholeGridMustFitIntoTheMemoryAllowed) {
  PixelMambaConfig config = config_of(16, stages_of(3));
  config.stages[2].scan = ScanKind::kCross2d;
  config.stages[2].d_conv = 3;
  const Image image = wavy_picture(75, 70);
  const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
  try {
    model->run(PictureRegions(config, image), {.store_bytes = 100000});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("stages[2].backward_scope"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("20 x 20 tokens"), std::string::npos) << error.what();
  }
}

TEST(PixelMambaOptions, AbsentGatesAreKnownByTheShape) {
  PixelMambaConfig config = config_of(8, stages_of(2));
  for (auto& stage : config.stages) {
    stage.scan = ScanKind::kCross2d;
    stage.d_conv = 3;
  }
  auto dict = std::make_shared<test::MemoryDict>();
  test::PixelMambaDictBuilder builder(*dict, config);
  builder.gated = false;
  builder.build();
  const Image image = wavy_picture(20, 20);
  const PictureRegions regions(config, image);
  const PixelMambaResult result = PixelMamba::load(dict, {})->run(regions);
  test::ReferencePixelMamba reference(dict, config);
  const std::vector<double> logits = reference(regions);
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(result.logits[i], logits[i], 2e-5);
}

TEST(PixelMambaOptions, GridsOfSeveralChunksEqualTheReference) {
  const Image image = wavy_picture(200, 190);
  for (const ScanKind scan : {ScanKind::kWindow, ScanKind::kCross2d, ScanKind::kScan2d}) {
    // About 40 000 tokens in one stage, and half of the regions.
    PixelMambaConfig config = config_of(16, stages_of(1));
    config.stages[0] = {.dim = 8, .d_state = 2, .d_conv = 3, .backward_scope = BackwardScope::kGlobal, .scan = scan};
    if (scan == ScanKind::kWindow) config.stages[0].window = 7;
    expect_tokens(config, SomeRegions(config, image, most_of_them));
  }
}

/// A single region: its blocks have all threads.
TEST(PixelMambaOptions, ThreadsShareARegion) {
  const Image image = wavy_picture(43, 37);
  for (const ScanKind scan : {ScanKind::kWindow, ScanKind::kCross2d, ScanKind::kScan2d}) {
    for (const MergeKind merge : {MergeKind::kConcat1x2, MergeKind::kTome}) {
      PixelMambaConfig config = config_of(64, stages_of(3));
      config.stages[0].scan = scan;
      if (scan == ScanKind::kCross2d) config.stages[0].d_conv = 3;
      config.stages[0].mlp_ratio = 2;
      config.stages[1].mlp_ratio = 2;
      config.merge = merge;
      const auto model = PixelMamba::load(test::pixel_mamba_dict(config), {});
      const PictureRegions regions(config, image);
      const PixelMambaResult one = model->run(regions, {.threads = 1});
      for (const int threads : {2, 3, 8}) EXPECT_EQ(model->run(regions, {.threads = threads}).logits, one.logits);
      if (merge != MergeKind::kTome) expect_tokens(config, regions);
    }
  }
}

/// The coarser precisions of matrix products stay near the exact one.
TEST(PixelMambaOptions, CoarserPrecisionsStayNear) {
  const Image image = wavy_picture(43, 37);
  for (const ScanKind scan : {ScanKind::kCross2d, ScanKind::kScan2d, ScanKind::kWindow}) {
    PixelMambaConfig config = grid_config(scan, Bidirectional::kV2);
    for (auto& stage : config.stages) stage.mlp_ratio = 4;
    const PictureRegions regions(config, image);
    const auto dict = test::pixel_mamba_dict(config);
    const PixelMambaResult exact = PixelMamba::load(dict, {})->run(regions);
    for (const auto& [precision, bound] :
         {std::pair{tokens::Precision::kHigh, 2e-3}, {tokens::Precision::kFast, 0.1}}) {
      const PixelMambaResult result = PixelMamba::load(dict, {.precision = precision})->run(regions);
      for (std::size_t i = 0; i < exact.features.size(); ++i) {
        EXPECT_NEAR(result.features[i], exact.features[i], bound) << "feature " << i;
      }
    }
  }
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

TEST(PixelMambaOptions, WeightsOfOtherShapesAreNamed) {
  PixelMambaConfig config = config_of(8, stages_of(2));
  config.stages[0].mlp_ratio = 2;
  config.stages[1].scan = ScanKind::kCross2d;
  config.stages[1].d_conv = 3;
  config.merge = MergeKind::kConcat1x2;
  const auto with = [&](const std::string& key, const Shape& shape) {
    auto dict = test::pixel_mamba_dict(config);
    Tensor tensor(DType::kF32, shape);
    std::ranges::fill(tensor.values<float>(), 0.5F);
    dict->set(key, tensor);
    return dict;
  };
  const auto code = ErrorCode::kShapeMismatch;
  expect_load_fails(with("stages.0.blocks.0.mlp.fc1.weight", {24, 8}), code, "[24, 8], the model expects [16, 8]");
  expect_load_fails(with("stages.0.merge.reduction.weight", {8, 32}), code, "[8, 32], the model expects [8, 16]");
  expect_load_fails(with("stages.1.blocks.0.mixer.in_proj.weight", {20, 8}), code, "in_proj.weight");
  expect_load_fails(with("stages.1.blocks.0.mixer.conv2d.weight", {16, 1, 5, 5}), code, "conv2d.weight");
  auto dict = test::pixel_mamba_dict(config);
  dict->remove("stages.0.blocks.0.norm2.weight");
  expect_load_fails(dict, ErrorCode::kMissingWeight, "stages.0.blocks.0.norm2.weight");
  dict = test::pixel_mamba_dict(config);
  dict->remove("stages.1.blocks.0.mixer.A_logs");
  expect_load_fails(dict, ErrorCode::kMissingWeight, "stages.1.blocks.0.mixer.A_logs");
}

TEST(PixelMambaOptions, SimilarTokensThatAreNoNumbersAreAnError) {
  PixelMambaConfig config = config_of(8, stages_of(2));
  config.merge = MergeKind::kTome;
  auto dict = test::pixel_mamba_dict(config);
  Tensor huge(DType::kF32, {8});
  std::ranges::fill(huge.values<float>(), 3e38F);
  dict->set("stem.proj.bias", huge);
  const Image image = wavy_picture(20, 20);
  EXPECT_THROW(PixelMamba::load(dict, {})->run(PictureRegions(config, image)), Error);
}

}  // namespace
}  // namespace histojet::models
