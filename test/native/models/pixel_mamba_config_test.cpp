#include <gtest/gtest.h>

#include "base/error.hpp"
#include "models/pixel_mamba/config.hpp"

namespace histojet::models {
namespace {

/// A configuration with `stages` and, before it, other members ("\"pool\": \"mean\", ").
std::string config_json(const std::string& stages, const std::string& members = "") {
  return "{" + members + "\"stages\": [" + stages + "]}";
}

void expect_refused(const std::string& json, const std::string& message, ErrorCode code = ErrorCode::kInvalidArgument) {
  try {
    parse_pixel_mamba(json);
    ADD_FAILURE() << "accepted: " << json;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

TEST(PixelMambaConfig, DefaultsAreThoseOfTheFormat) {
  const PixelMambaConfig config =
      parse_pixel_mamba(config_json(R"({"dim": 8}, {"dim": 16}, {"dim": 32}, {"dim": 40})"));
  EXPECT_EQ(config.region_size_px, 256);
  EXPECT_EQ(config.region_order, tokens::RegionOrder::kSnake);
  EXPECT_EQ(config.pixel_order, tokens::PixelOrder::kZorder);
  EXPECT_EQ(config.merge, MergeKind::kConcat2x2);
  EXPECT_EQ(config.pool, PoolKind::kMean);
  EXPECT_EQ(config.tissue, TissueRule::kNone);
  EXPECT_DOUBLE_EQ(config.mpp, 0.5);
  ASSERT_EQ(config.stages.size(), 4U);
  EXPECT_EQ(config.stages[2].backward_scope, BackwardScope::kRegion);
  EXPECT_EQ(config.stages[3].backward_scope, BackwardScope::kGlobal);
  EXPECT_TRUE(config.stages[0].divide_out);
  EXPECT_EQ(config.stages[0].depth, 1);
  EXPECT_EQ(config.stages[0].d_conv, 4);
  EXPECT_EQ(config.stages[0].dt_rank, 0);
}

TEST(PixelMambaConfig, PaddingIsWhiteAsTheNetworkSeesIt) {
  const PixelMambaConfig config =
      parse_pixel_mamba(config_json(R"({"dim": 8})", R"("input": {"mean": [0.5, 0.25, 0], "std": [0.5, 0.25, 2]}, )"));
  EXPECT_EQ(config.pad_value, (std::array<float, 3>{1, 3, 0.5}));
}

TEST(PixelMambaConfig, WhatIsWrittenReadsBackAsTheSame) {
  PixelMambaConfig config = pixel_mamba_preset("pm-tiny");
  config.mean = {0.7F, 0.55F, 0.71F};
  config.std = {0.1F, 0.2F, 0.3F};
  config.tissue = TissueRule::kProvided;
  config.min_tissue = 0.125;
  config.region_size_px = 64;
  config.region_order = tokens::RegionOrder::kRaster;
  config.pixel_order = tokens::PixelOrder::kHilbert;
  config.pad_value = {0.1F, -2.5F, 1e-7F};
  config.stages[1].dt_rank = 3;
  config.stages[2].bidirectional = tokens::Bidirectional::kV1;
  config.stages[3].divide_out = false;
  config.merge = MergeKind::kConv2x2;
  config.pool = PoolKind::kMiddle;
  config.head = HeadKind::kOrdinal;
  config.outputs = 2;
  config.labels = {"grade 1", "grade \"2\"", "grade\n3"};
  EXPECT_EQ(parse_pixel_mamba(pixel_mamba_json(config)), config);
}

TEST(PixelMambaConfig, PresetsHaveTheTokensAndScopesOfTheFormat) {
  for (const char* name : {"pm-nano", "pm-tiny", "pm-small"}) {
    const PixelMambaConfig config = pixel_mamba_preset(name);
    check_pixel_mamba(config);
    ASSERT_EQ(config.stages.size(), 6U);
    for (std::size_t s = 0; s < 6; ++s) EXPECT_EQ(config.is_global(s), s >= 3) << name << " " << s;
    EXPECT_EQ(config.token_px(5), 32);
    EXPECT_EQ(config.tokens_per_side(5), 8);
  }
  EXPECT_THROW(pixel_mamba_preset("pm-huge"), Error);
}

TEST(PixelMambaConfig, ErrorsNameTheJsonPath) {
  const std::string ok = R"({"dim": 8})";
  expect_refused("{}", "stages: expected 1 to 16 stages, got nothing");
  expect_refused(R"({"stages": 3})", "stages: expected 1 to 16 stages, got 3");
  expect_refused(config_json(""), "stages: expected 1 to 16 stages, got an array of 0");
  expect_refused(config_json(R"({"dim": 8}, {"dim": 8}, {"dim": "wide"})"),
                 "stages[2].dim: expected an integer from 1 to 8192, got \"wide\"");
  expect_refused(config_json(R"({"depth": 1})"), "stages[0].dim: expected an integer from 1 to 8192, got nothing");
  expect_refused(config_json(R"({"dim": 8.5})"), "stages[0].dim: expected an integer");
  expect_refused(config_json(R"({"dim": 0})"), "stages[0].dim");
  expect_refused(config_json(R"({"dim": 1e30})"), "stages[0].dim");
  expect_refused(config_json(R"({"dim": 8, "d_stat": 4})"), "stages[0].d_stat: unknown key; is d_state meant?");
  expect_refused(config_json(R"({"dim": 8, "bidirectional": "v3"})"),
                 "stages[0].bidirectional: expected one of \"none\", \"v1\", \"v2\", got \"v3\"");
  expect_refused(config_json(R"({"dim": 8, "divide_out": 1})"), "stages[0].divide_out: expected true or false, got 1");
  expect_refused(config_json(R"({"dim": 8, "dt_rank": "big"})"), "stages[0].dt_rank");
  expect_refused(config_json(ok, R"("pool": null, )"), "pool: expected one of");
  expect_refused(config_json(ok, R"("format": "pixel-mamba/2", )"), "format: expected pixel-mamba/1");
  expect_refused(config_json(ok, R"("in_channels": 4, )"), "in_channels: expected 3, got 4");
  expect_refused(config_json(ok, R"("input": [], )"), "input: expected an object");
  expect_refused(config_json(ok, R"("input": {"std": [1, 0, 1]}, )"), "input.std[1]");
  expect_refused(config_json(ok, R"("input": {"mpp": -1}, )"), "input.mpp");
  expect_refused(config_json(ok, R"("serialization": {"pad_value": [1, 2]}, )"), "serialization.pad_value");
  expect_refused(config_json(ok, R"("serialization": {"region_size": 2049}, )"), "serialization.region_size");
  expect_refused(config_json(ok, R"("serialization": {"region_size": 96}, )"), "a power of two times stem.patch");
  expect_refused(config_json(ok, R"("stem": {"patch": 3}, "serialization": {"region_size": 64}, )"),
                 "serialization.region_size: expected a multiple of 3 px");
  expect_refused(config_json(ok, R"("head": {"type": "cox", "outputs": 2}, )"), "head.outputs: expected 1");
  expect_refused(config_json(ok, R"("head": {"type": "ordinal", "outputs": 2, "labels": ["a", "b"]}, )"),
                 "head.labels: expected 3 labels, got 2");
  expect_refused(config_json(ok, R"("extra": 1, )"), "extra: unknown key");
}

TEST(PixelMambaConfig, OptionsAreReadAndWritten) {
  const PixelMambaConfig config = parse_pixel_mamba(config_json(
      R"({"dim": 8, "scan": "window", "window": 7, "mlp_ratio": 2.5}, {"dim": 8, "scan": "cross2d", "pos": "sincos2d"},
         {"dim": 12, "scan": "scan2d", "bidirectional": "none"})",
      R"("merge": "concat2x1", "serialization": {"region_tokens": true}, )"));
  EXPECT_EQ(config.stages[0].scan, ScanKind::kWindow);
  EXPECT_EQ(config.stages[0].window, 7);
  EXPECT_EQ(config.stages[0].mlp_hidden(), 20);
  EXPECT_EQ(config.stages[1].scan, ScanKind::kCross2d);
  EXPECT_EQ(config.stages[1].d_conv, 3);
  EXPECT_EQ(config.stages[1].pos, PositionKind::kSincos2d);
  EXPECT_EQ(config.stages[2].d_conv, 4);
  EXPECT_TRUE(config.region_tokens);
  EXPECT_EQ(config.token_size_px(1), (GridSize{2, 1}));
  EXPECT_EQ(config.token_size_px(2), (GridSize{2, 2}));
  EXPECT_EQ(config.region_grid(1), (GridSize{128, 256}));
  EXPECT_EQ(parse_pixel_mamba(pixel_mamba_json(config)), config);
  const PixelMambaConfig tome = parse_pixel_mamba(
      config_json(R"({"dim": 8}, {"dim": 8})", R"("merge": "tome", "tome": {"keep": 0.75, "window": 64}, )"));
  EXPECT_EQ(tome.merge, MergeKind::kTome);
  EXPECT_EQ(tome.tome_keep, 0.75);
  EXPECT_EQ(tome.tome_window, 64);
  EXPECT_FALSE(tome.has_places(1));
  EXPECT_EQ(parse_pixel_mamba(pixel_mamba_json(tome)), tome);
}

TEST(PixelMambaConfig, PairsBecomeGlobalByTheirLongerSide) {
  const PixelMambaConfig config = parse_pixel_mamba(config_json(
      R"({"dim": 8}, {"dim": 8}, {"dim": 8}, {"dim": 8}, {"dim": 8}, {"dim": 8})", R"("merge": "concat1x2", )"));
  for (std::size_t s = 0; s < 6; ++s) EXPECT_EQ(config.is_global(s), s >= 5) << s;
  EXPECT_EQ(config.token_px(5), 8);
}

TEST(PixelMambaConfig, OptionsThatContradictEachOtherAreRefused) {
  const std::string ok = R"({"dim": 8})";
  expect_refused(config_json(R"({"dim": 8, "scan": "spiral"})"),
                 R"(stages[0].scan: expected one of "sequence", "window", "cross2d", "scan2d", got "spiral")");
  expect_refused(config_json(R"({"dim": 8, "window": 4})"), "stages[0].window: expected none");
  expect_refused(config_json(R"({"dim": 8, "scan": "window", "window": 0})"), "stages[0].window");
  expect_refused(config_json(R"({"dim": 8, "scan": "cross2d", "bidirectional": "v2"})"), "stages[0].bidirectional");
  expect_refused(config_json(R"({"dim": 8, "scan": "cross2d", "divide_out": true})"), "stages[0].divide_out");
  expect_refused(config_json(R"({"dim": 8, "scan": "cross2d", "d_conv": 4})"), "stages[0].d_conv: expected 3, 5 or 7");
  expect_refused(config_json(R"({"dim": 8, "scan": "scan2d", "bidirectional": "v1"})"), "stages[0].bidirectional");
  expect_refused(config_json(R"({"dim": 8, "mlp_ratio": -1})"), "stages[0].mlp_ratio");
  expect_refused(config_json(R"({"dim": 8, "mlp_ratio": 0.01})"), "stages[0].mlp_ratio");
  expect_refused(config_json(R"({"dim": 10, "pos": "sincos2d"})"), "stages[0].dim: expected a multiple of 4");
  expect_refused(config_json(R"({"dim": 8, "pos": "rope"})"), "stages[0].pos");
  expect_refused(config_json(ok, R"("tome": {"keep": 0.5}, )"), "tome: expected none");
  expect_refused(config_json(ok, R"("merge": "tome", "tome": {"keep": 0.25}, )"), "tome.keep");
  expect_refused(config_json(ok, R"("merge": "tome", "tome": {"window": 7}, )"),
                 "tome.window: expected an integer from 8 to 4096, got 7");
  expect_refused(config_json(ok, R"("merge": "tome", "tome": {"share": 1}, )"), "tome.share: unknown key");
  expect_refused(config_json(ok, R"("merge": "tome", "pool": "middle", )"), "pool: expected");
  expect_refused(config_json(ok + R"(, {"dim": 8, "scan": "window"})", R"("merge": "tome", )"), "stages[1].scan");
  expect_refused(config_json(ok + R"(, {"dim": 8, "pos": "sincos2d"})", R"("merge": "tome", )"), "stages[1].pos");
  expect_refused(config_json(ok, R"("serialization": {"region_tokens": 1}, )"), "serialization.region_tokens");
  expect_refused(config_json(R"({"dim": 257, "scan": "cross2d"})"), "at most 2^24 values in one region of stage 0");
}

TEST(PixelMambaConfig, RollOutNamesWhatItDoesNotFollow) {
  const auto path_of = [](const std::string& json) -> std::string {
    try {
      check_rollout(parse_pixel_mamba(json));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
      const std::string text = error.what();
      return text.substr(8, text.find(": roll-out") - 8);
    }
    return "";
  };
  const std::string two = R"({"dim": 8}, {"dim": 8})";
  EXPECT_EQ(path_of(config_json(two)), "");
  EXPECT_EQ(path_of(config_json(R"({"dim": 8, "mlp_ratio": 4, "pos": "sincos2d"})")), "");
  for (const char* merge : {"tome", "concat1x2", "concat2x1"}) {
    EXPECT_EQ(path_of(config_json(two, std::string("\"merge\": \"") + merge + "\", ")), "merge");
  }
  EXPECT_EQ(path_of(config_json(two, R"("serialization": {"region_tokens": true}, )")), "serialization.region_tokens");
  for (const char* scan : {"window", "cross2d", "scan2d"}) {
    EXPECT_EQ(path_of(config_json(std::string(R"({"dim": 8}, {"dim": 8, "scan": ")") + scan + "\"}")),
              "stages[1].scan");
  }
}

TEST(PixelMambaConfig, HostileSizesAreRefusedBeforeAnythingIsAllocated) {
  const std::string big = R"("pixel_order": "raster", "region_size": 2048)";
  expect_refused(config_json(R"({"dim": 8192, "expand": 16})", R"("serialization": {)" + big + "}, "),
                 "at most 2^28 values in one region of stage 0");
  std::string many = R"({"dim": 1})";
  for (int i = 0; i < 16; ++i) many += R"(, {"dim": 1})";
  expect_refused(config_json(many), "stages: expected 1 to 16 stages");
  expect_refused(std::string(70000, ' '), "at most 65536 bytes");
  expect_refused("{\"stages\": [[[[[[[[[[[[]]]]]]]]]]]]}", "nested", ErrorCode::kCorruptFile);
  expect_refused(R"({"stages": [{"dim": NaN}]})", "expected a JSON value", ErrorCode::kCorruptFile);
}

TEST(PixelMambaConfig, OtherSidesWorkInOrdersWithoutHierarchy) {
  const PixelMambaConfig config = parse_pixel_mamba(
      config_json(R"({"dim": 8}, {"dim": 8})",
                  R"("serialization": {"pixel_order": "snake", "region_size": 12}, "stem": {"patch": 3}, )"));
  EXPECT_EQ(config.tokens_per_side(0), 4);
  EXPECT_EQ(config.tokens_per_side(1), 2);
}

}  // namespace
}  // namespace histojet::models
