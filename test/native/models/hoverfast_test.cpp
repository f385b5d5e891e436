#include "models/hoverfast.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.hpp"
#include "engine/run_graph.hpp"
#include "models/formula_dict.hpp"
#include "models/nuclei_network.hpp"
#include "models/reference_unet.hpp"

using namespace histojet;
using namespace histojet::models;
using histojet::test::formula_dict;
using histojet::test::noise_image;

namespace {

HoverFastConfig inferred(const std::shared_ptr<test::MemoryDict>& dict) {
  return hoverfast_config(hoverfast_root(dict), dict->metadata());
}

ErrorCode code_of(const std::function<void()>& action, std::string* message = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  return ErrorCode::kInternal;
}

std::vector<HoverFastConfig> all_configurations() {
  std::vector<HoverFastConfig> configs;
  for (const bool batch_norm : {true, false}) {
    for (const auto up_mode : {layers::UpMode::kUpconv, layers::UpMode::kUpsample}) {
      for (const bool padding : {true, false}) {
        configs.push_back({.depth = 3,
                           .wf = 1,
                           .padding = padding,
                           .batch_norm = batch_norm,
                           .up_mode = up_mode,
                           .conv_block = BlockKind::kUnet});
      }
      configs.push_back({.depth = 2, .wf = 3, .batch_norm = batch_norm, .up_mode = up_mode});
    }
  }
  configs.push_back({.depth = 1, .wf = 2, .conv_block = BlockKind::kUnet});
  configs.push_back({.n_classes = 3, .depth = 2, .wf = 0});
  return configs;
}

void expect_close(const std::vector<float>& actual, const test::DenseMap& expected, const std::string& name) {
  ASSERT_EQ(actual.size(), expected.values.size()) << name;
  double largest = 0.0;
  double difference = 0.0;
  for (std::int64_t pixel = 0; pixel < expected.height * expected.width; ++pixel) {
    for (std::int64_t c = 0; c < expected.channels; ++c) {
      const double want = expected.values[static_cast<std::size_t>(pixel * expected.channels + c)];
      const double got = actual[static_cast<std::size_t>(c * expected.height * expected.width + pixel)];
      largest = std::max(largest, std::fabs(want));
      difference = std::max(difference, std::fabs(want - got));
    }
  }
  EXPECT_LT(difference, 1e-5 * largest) << name;
}

}  // namespace

TEST(HoverFast, EveryConfigurationMatchesItsDescription) {
  const Image image = noise_image(51, 46);
  for (const HoverFastConfig& config : all_configurations()) {
    const auto dict = formula_dict(config);
    dict->metadata()["padding"] = config.padding ? "True" : "False";
    const weights::WeightScope root = hoverfast_root(dict);
    const HoverFastConfig found = hoverfast_config(root, dict->metadata());
    SCOPED_TRACE(testing::PrintToString(config_json(config)));
    EXPECT_EQ(config_json(found), config_json(config));
    const auto results = test::GraphRun{.taps = {"logits"}}(build_hoverfast(root, found), image);
    const auto expected = test::ReferenceUnet(*dict, config).run(image);
    expect_close(results.at("logits"), expected.logits, "logits");
    expect_close(results.at("hv"), expected.maps, "hv");
  }
}

TEST(HoverFastConfig, MetadataComesInManySpellings) {
  const auto dict = formula_dict({.depth = 2, .wf = 1, .conv_block = BlockKind::kUnet});
  dict->metadata() = {{"depth", "2"},         {"wf", " 1 "},           {"padding", "1"},
                      {"batch_norm", "True"}, {"up_mode", "'upconv'"}, {"conv_block", "\"unet\""},
                      {"n_classes", "2"},     {"in_channels", "3"}};
  EXPECT_EQ(config_json(inferred(dict)), config_json({.depth = 2, .wf = 1, .conv_block = BlockKind::kUnet}));
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"depth", "two"},
                                                                                    {"depth", "0"},
                                                                                    {"depth", "99999999999999999999"},
                                                                                    {"wf", "60"},
                                                                                    {"padding", "maybe"},
                                                                                    {"up_mode", "nearest"},
                                                                                    {"conv_block", "1"},
                                                                                    {"in_channels", "4"}}) {
    auto broken = formula_dict({.depth = 2, .wf = 1, .conv_block = BlockKind::kUnet});
    broken->metadata()[name] = value;
    std::string message;
    EXPECT_EQ(code_of([&] { inferred(broken); }, &message), ErrorCode::kInvalidArgument) << name << " " << value;
    EXPECT_NE(message.find(name), std::string::npos) << message;
  }
}

TEST(HoverFastConfig, UnpaddedBranchesAreRefused) {
  const auto dict = formula_dict({.depth = 2, .wf = 1});
  dict->metadata()["padding"] = "false";
  EXPECT_EQ(code_of([&] { inferred(dict); }), ErrorCode::kInvalidArgument);
}

TEST(HoverFastConfig, SharedPrefixesAreStripped) {
  const auto plain = formula_dict({.depth = 2, .wf = 1});
  for (const std::string prefix : {"model_dict.", "module.", "model_dict.module."}) {
    const auto prefixed = std::make_shared<test::MemoryDict>();
    for (const std::string& name : plain->names()) prefixed->set(prefix + name, plain->get(name));
    EXPECT_EQ(load_hoverfast(prefixed)->info().parameters, load_hoverfast(plain)->info().parameters);
  }
  const auto mixed = std::make_shared<test::MemoryDict>();
  for (const std::string& name : plain->names()) mixed->set("module." + name, plain->get(name));
  mixed->set("other", Tensor(DType::kF32, {1}));
  EXPECT_EQ(code_of([&] { load_hoverfast(mixed); }), ErrorCode::kMissingWeight);
}

TEST(HoverFast, ErrorsNameKeysAndShapes) {
  std::string message;
  const auto missing = formula_dict({.depth = 2, .wf = 1});
  missing->remove("up_path_m.0.conv_block.conv_7.block.3.bias");
  EXPECT_EQ(code_of([&] { load_hoverfast(missing); }, &message), ErrorCode::kMissingWeight);
  EXPECT_NE(message.find("up_path_m.0.conv_block.conv_7.block.3.bias"), std::string::npos) << message;
  const auto misshapen = formula_dict({.depth = 2, .wf = 1});
  misshapen->set("last.weight", Tensor(DType::kF32, {2, 5, 1, 1}));
  EXPECT_EQ(code_of([&] { load_hoverfast(misshapen); }, &message), ErrorCode::kShapeMismatch);
  for (const char* part : {"last.weight", "[2, 5, 1, 1]", "[2, 2, 1, 1]"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(code_of([&] { load_hoverfast(std::make_shared<test::MemoryDict>()); }), ErrorCode::kMissingWeight);
}

TEST(HoverFast, InfoDescribesTheNetwork) {
  const auto published = load_hoverfast(formula_dict({}), {.precision = Precision::kFast});
  EXPECT_EQ(published->info().architecture, "hoverfast");
  EXPECT_EQ(published->info().parameters, 947732);
  EXPECT_EQ(published->info().margin_px, 64);
  EXPECT_EQ(published->info().origin_multiple, 4);
  EXPECT_EQ(published->info().mpp, 0.25);
  const bool fast = active_isa() >= Isa::kAvx512Bf16;
  EXPECT_EQ(published->info().precision, fast ? "fast" : "float32");
  EXPECT_EQ(published->info().isa, isa_name(active_isa()));
  EXPECT_EQ(published->info().config.at("conv_block"), "\"msunet\"");
  EXPECT_GT(published->info().memory_bytes, (fast ? 2 : 4) * 900000);
  const auto dict = formula_dict({.depth = 4, .wf = 1, .conv_block = BlockKind::kUnet});
  dict->metadata()["mpp"] = "0.5";
  const auto student = load_hoverfast(dict);
  EXPECT_EQ(student->info().margin_px, 56);  // 51 pixels
  EXPECT_EQ(student->info().origin_multiple, 8);
  EXPECT_EQ(student->info().mpp, 0.5);
  dict->metadata()["mpp"] = "-1";
  EXPECT_EQ(code_of([&] { load_hoverfast(dict); }), ErrorCode::kInvalidArgument);
}

TEST(HoverFast, PixelsBeyondTheReceptiveFieldDoNotMatter) {
  const HoverFastConfig config{.depth = 3, .wf = 1};
  const auto network = load_hoverfast(formula_dict(config));
  ASSERT_EQ(config.receptive_field_px(), 63);
  Image image = noise_image(160, 160);
  const auto session = network->make_session(160, 160);
  Maps before;
  network->predict(*session, image, before, 1, {});
  for (std::int64_t y = 0; y < 160; ++y) std::fill_n(image.row(y), 3 * 12, std::uint8_t{255});
  Maps after;
  network->predict(*session, image, after, 1, {});
  std::int64_t last_changed = -1;
  for (std::int64_t y = 0; y < 160; ++y) {
    for (std::int64_t x = 0; x < 160; ++x) {
      if (before.np[static_cast<std::size_t>(y * 160 + x)] != after.np[static_cast<std::size_t>(y * 160 + x)]) {
        last_changed = std::max(last_changed, x);
      }
    }
  }
  EXPECT_LE(last_changed, 11 + 63);
  EXPECT_GT(last_changed, 11 + 40);
}

TEST(HoverFast, PredictIsBitIdenticalForAnyThreadCount) {
  const auto network = load_hoverfast(formula_dict({.depth = 3, .wf = 2}));
  const Image image = noise_image(91, 77);
  Maps expected;
  network->predict(*network->make_session(77, 91), image, expected, 1, {});
  EXPECT_EQ(expected.height, 76);
  EXPECT_EQ(expected.width, 88);
  EXPECT_EQ(expected.np.size(), 76u * 88u);
  EXPECT_EQ(expected.hv.size(), 2u * 76u * 88u);
  for (const int threads : {0, 2, 3, 8}) {
    Maps maps;
    network->predict(*network->make_session(77, 91), image, maps, threads, {});
    EXPECT_EQ(maps.np, expected.np);
    EXPECT_EQ(maps.hv, expected.hv);
  }
}

TEST(HoverFast, SessionsOfOneNetworkRunSideBySide) {
  const auto network = load_hoverfast(formula_dict({.depth = 2, .wf = 2}));
  const Image image = noise_image(64, 64);
  Maps expected;
  network->predict(*network->make_session(64, 64), image, expected, 1, {});
  std::vector<Maps> maps(4);
  std::vector<std::thread> threads;
  for (Maps& result : maps) {
    threads.emplace_back([&] { network->predict(*network->make_session(64, 64), image, result, 2, {}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Maps& result : maps) EXPECT_EQ(result.np, expected.np);
}

TEST(HoverFast, MemoryOfAThousandPixelTileStaysBounded) {
  const auto network = load_hoverfast(formula_dict({}));
  const auto session = network->make_session(1024, 1024);
  EXPECT_LT(session->memory_bytes(), 300'000'000);
  EXPECT_NE(network->describe(1024, 1024).find("516.000 GFLOP"), std::string::npos);
}

TEST(HoverFast, WrongSessionsAndTinyTilesAreRefused) {
  const auto network = load_hoverfast(formula_dict({.depth = 3, .wf = 1}));
  const auto other = load_hoverfast(formula_dict({.depth = 2, .wf = 1}));
  EXPECT_EQ(code_of([&] { network->make_session(3, 64); }), ErrorCode::kInvalidArgument);
  Maps maps;
  const Image image = noise_image(32, 32);
  EXPECT_EQ(code_of([&] { network->predict(*other->make_session(32, 32), image, maps, 1, {}); }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { network->predict(*network->make_session(64, 32), image, maps, 1, {}); }),
            ErrorCode::kShapeMismatch);
}
