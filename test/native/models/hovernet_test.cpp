#include "models/hovernet.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "engine/run_graph.hpp"
#include "models/formula_hovernet.hpp"

using namespace histojet;
using namespace histojet::models;
using histojet::test::MemoryDict;
using histojet::test::Values;

namespace {

/// Names and shapes only; a copy that the test may change. Tensors are shared.
std::shared_ptr<MemoryDict> zeros(bool original, std::int64_t nr_types) {
  static std::map<std::pair<bool, std::int64_t>, std::shared_ptr<MemoryDict>> made;
  auto& dict = made[{original, nr_types}];
  if (!dict) dict = test::hovernet_dict(original, nr_types, Values::kZero);
  return std::make_shared<MemoryDict>(*dict);
}

/// Loaded once, because that takes a second: fast without types, or original with 5 at 0.5 micrometres per pixel.
std::shared_ptr<const NucleiNetwork> network(bool original) {
  static std::map<bool, std::shared_ptr<const NucleiNetwork>> loaded;
  auto& result = loaded[original];
  if (!result) {
    const auto dict = zeros(original, original ? 5 : 0);
    if (original) dict->metadata()["mpp"] = "0.5";
    result = load_hovernet(dict, {.precision = Precision::kFloat32});
  }
  return result;
}

std::shared_ptr<MemoryDict> with_prefix(const MemoryDict& plain, const std::string& prefix) {
  auto dict = std::make_shared<MemoryDict>();
  for (const std::string& name : plain.names()) dict->set(prefix + name, plain.get(name));
  return dict;
}

HoverNetConfig inferred(const std::shared_ptr<MemoryDict>& dict) {
  return hovernet_config(hovernet_root(dict), dict->metadata());
}

void expect_refused(const std::function<void()>& action, ErrorCode code, const std::vector<std::string>& parts) {
  try {
    action();
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in: " << error.what();
    }
  }
}

}  // namespace

TEST(HoverNetConfig, FollowsFromTheTensors) {
  for (const bool original : {false, true}) {
    for (const std::int64_t nr_types : {0, 5}) {
      const HoverNetConfig config = inferred(zeros(original, nr_types));
      EXPECT_EQ(config.mode, original ? HoverNetMode::kOriginal : HoverNetMode::kFast);
      EXPECT_EQ(config.nr_types, nr_types);
      EXPECT_EQ(config_json(config).at("mode"), original ? "\"original\"" : "\"fast\"");
      EXPECT_EQ(config_json(config).at("nr_types"), nr_types > 0 ? "5" : "null");
    }
  }
}

TEST(HoverNetConfig, MetadataMustAgree) {
  const auto untyped = zeros(false, 0);
  untyped->metadata() = {{"mode", "'fast'"}, {"nr_types", "None"}, {"input_ch", "3"}, {"mpp", "0.5"}};
  EXPECT_EQ(inferred(untyped).nr_types, 0);
  const auto typed = zeros(true, 5);
  typed->metadata() = {{"mode", "original"}, {"nr_types", "5"}};
  EXPECT_EQ(inferred(typed).nr_types, 5);
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"mode", "fast"}, {"nr_types", "6"}, {"nr_types", "None"}, {"input_ch", "4"}}) {
    const auto dict = zeros(true, 5);
    dict->metadata()[name] = value;
    expect_refused([&] { inferred(dict); }, ErrorCode::kInvalidArgument, {name, value});
  }
}

TEST(HoverNetConfig, OtherNetworksAreRefusedByName) {
  const auto plus = zeros(false, 0);
  plus->set("decoder.ls.u3.conva.weight", Tensor(DType::kF32, {256, 1024, 3, 3}));
  expect_refused([&] { load_hovernet(plus); }, ErrorCode::kUnsupportedFormat,
                 {"HoVer-Net+", "decoder.ls.u3.conva.weight"});
  expect_refused([&] { load_hovernet(std::make_shared<MemoryDict>()); }, ErrorCode::kMissingWeight,
                 {"decoder.np.u3.conva.weight"});
  const auto fast = test::formula_dict({.depth = 2, .wf = 1});
  expect_refused([&] { load_hovernet(fast); }, ErrorCode::kMissingWeight, {"HoverFast", "HoverNet"});
  expect_refused([&] { load_hoverfast(zeros(false, 0)); }, ErrorCode::kMissingWeight, {"HoverFast", "HoverNet"});
  expect_refused([&] { load_nuclei_network(std::make_shared<MemoryDict>()); }, ErrorCode::kMissingWeight,
                 {"down_path.0", "conv0./.weight"});
  EXPECT_EQ(load_nuclei_network(fast)->info().architecture, "hoverfast");
}

TEST(HoverNetConfig, StrangeShapesAreRefused) {
  const auto window = zeros(false, 0);
  window->set("decoder.np.u3.conva.weight", Tensor(DType::kF32, {256, 1024, 7, 7}));
  expect_refused([&] { load_hovernet(window); }, ErrorCode::kShapeMismatch,
                 {"decoder.np.u3.conva.weight", "[256, 1024, 7, 7]", "fast", "original"});
  const auto rank = zeros(false, 0);
  rank->set("decoder.np.u3.conva.weight", Tensor(DType::kF32, {256}));
  expect_refused([&] { load_hovernet(rank); }, ErrorCode::kShapeMismatch, {"decoder.np.u3.conva.weight", "[256]"});
  const auto many = zeros(false, 6);
  many->set("decoder.tp.u0.conv.weight", Tensor(DType::kF32, {300, 64, 1, 1}));
  expect_refused([&] { load_hovernet(many); }, ErrorCode::kShapeMismatch, {"decoder.tp.u0.conv.weight", "300", "256"});
}

TEST(HoverNet, MissingMisshapenAndUnknownTensorsAreNamed) {
  const auto missing = zeros(false, 0);
  missing->remove("decoder.hv.u2.dense.units.3.conv1/bn.running_mean");
  expect_refused([&] { load_hovernet(missing); }, ErrorCode::kMissingWeight,
                 {"decoder.hv.u2.dense.units.3.conv1/bn.running_mean"});
  const auto half = zeros(false, 6);
  half->remove("decoder.tp.u0.conv.weight");
  expect_refused([&] { load_hovernet(half); }, ErrorCode::kMissingWeight, {"decoder.tp.u0.conv.weight"});
  const auto misshapen = zeros(false, 0);
  misshapen->set("d2.units.5.conv2.weight", Tensor(DType::kF32, {256, 256, 5, 5}));
  expect_refused([&] { load_hovernet(misshapen); }, ErrorCode::kShapeMismatch,
                 {"d2.units.5.conv2.weight", "[256, 256, 5, 5]", "[256, 256, 3, 3]"});
  const auto mixed = zeros(false, 0);
  mixed->set("decoder.np.u2.conva.weight", Tensor(DType::kF32, {128, 512, 5, 5}));
  expect_refused([&] { load_hovernet(mixed); }, ErrorCode::kShapeMismatch, {"decoder.np.u2.conva.weight"});
  const auto more = zeros(false, 0);
  more->set("decoder.np.u4.conv.weight", Tensor(DType::kF32, {1}));
  more->set("decoder.np.u4.conv.bias", Tensor(DType::kF32, {1}));
  expect_refused([&] { load_hovernet(more); }, ErrorCode::kUnsupportedFormat,
                 {"decoder.np.u4.conv.weight", "and 1 more", "HoVer-Net"});
}

TEST(HoverNet, KeysMayBeWrapped) {
  const auto plain = zeros(false, 6);
  for (const std::string prefix : {"", "desc.", "module.", "desc.module."}) {
    const auto dict = with_prefix(*plain, prefix);
    EXPECT_TRUE(is_hovernet(hovernet_root(dict)));
    EXPECT_EQ(inferred(dict).nr_types, 6);
  }
  const auto mixed = with_prefix(*plain, "module.");
  mixed->set("other", Tensor(DType::kF32, {1}));
  EXPECT_FALSE(is_hovernet(hovernet_root(mixed)));
  EXPECT_EQ(load_nuclei_network(with_prefix(*plain, "desc.module."))->info().architecture, "hovernet");
}

TEST(HoverNet, InfoDescribesTheNetwork) {
  const auto typed = zeros(false, 6);
  EXPECT_EQ(typed->names().size(), 798U);
  EXPECT_EQ(build_hovernet(hovernet_root(typed), inferred(typed)).parameter_count(), 37639626);
  const NetworkInfo& fast = network(false)->info();
  EXPECT_EQ(fast.architecture, "hovernet");
  EXPECT_EQ(fast.parameters, 33625412);
  EXPECT_EQ(fast.mpp, 0.25);
  EXPECT_EQ(fast.output_margin_px, 46);
  EXPECT_EQ(fast.default_tile_px, 256);
  EXPECT_TRUE(fast.types.empty());
  EXPECT_EQ(zeros(true, 0)->names().size(), 632U);
  const NetworkInfo& original = network(true)->info();
  EXPECT_EQ(original.parameters, 54744457);
  EXPECT_EQ(original.mpp, 0.5);
  EXPECT_EQ(original.output_margin_px, 95);
  EXPECT_EQ(original.default_tile_px, 270);
  ASSERT_EQ(original.types.size(), 5U);
  EXPECT_EQ(original.types[4].name, "type 4");
}

TEST(HoverNet, SidesThatItCannotTakeAreRefusedWithThoseThatItCan) {
  const auto fast = network(false);
  EXPECT_NO_THROW(fast->describe(96, 256));
  for (const std::int64_t side : {100, 255, 257}) {
    expect_refused([&] { fast->make_session(256, side); }, ErrorCode::kInvalidArgument,
                   {std::to_string(side), "multiples of 8", "96", "256"});
  }
  expect_refused([&] { fast->make_session(88, 256); }, ErrorCode::kInvalidArgument, {"88", "96"});
  expect_refused([&] { fast->make_session(257, 257); }, ErrorCode::kInvalidArgument, {"256 and 264"});
  const auto original = network(true);
  EXPECT_NO_THROW(original->describe(198, 206));
  for (const std::int64_t side : {190, 200, 256, 271}) {
    expect_refused([&] { original->make_session(side, 270); }, ErrorCode::kInvalidArgument,
                   {std::to_string(side), "multiples of 8 plus 6", "198", "270"});
  }
}

TEST(HoverNetTypes, ComeFromTheMetadata) {
  const auto types = hovernet_types(
      4,
      {{"type_info", R"({"0": ["nolabe", [0, 0, 0]], "1": ["neopla", [255, 0, 0]], "3": ["inflam", [0, 255, 9]]})"}});
  ASSERT_EQ(types.size(), 4U);
  EXPECT_EQ(types[0].name, "nolabe");
  EXPECT_EQ(types[1].name, "neopla");
  EXPECT_EQ(types[2].name, "type 2");
  EXPECT_EQ(types[3].name, "inflam");
  EXPECT_EQ(types[3].color, (std::array<std::uint8_t, 3>{0, 255, 9}));
}

TEST(HoverNetTypes, AreNumberedWhereNobodySaysMore) {
  EXPECT_TRUE(hovernet_types(0, {}).empty());
  const auto five = hovernet_types(5, {});
  ASSERT_EQ(five.size(), 5U);
  EXPECT_EQ(five[0].name, "background");
  EXPECT_EQ(five[4].name, "type 4");
  EXPECT_NE(five[1].color, five[2].color);
  const auto pan_nuke = hovernet_types(6, {});
  EXPECT_EQ(pan_nuke[1].name, "neoplastic");
  EXPECT_EQ(pan_nuke[5].name, "non-neoplastic epithelial");
  EXPECT_EQ(pan_nuke[5].color, (std::array<std::uint8_t, 3>{255, 165, 0}));
}

TEST(HoverNetTypes, BrokenTablesAreRefused) {
  const auto refuse = [](const std::string& table, ErrorCode code) {
    expect_refused([&] { hovernet_types(3, {{"type_info", table}}); }, code, {"type_info"});
  };
  for (const char* table :
       {"", "[]", "{\"1\": \"a\"}", "{\"1\": [\"a\"]}", "{\"1\": [\"a\", [1, 2]]}", "{\"1\": [\"a\", [1, 2, 256]]}",
        "{\"1\": [\"a\", [1, 2, 3, 4]]}", "{\"1\": [\"a\", [1, 2, 3], 0]}", "{\"1\": [\"a\", [1, 2, 3]]} x"}) {
    refuse(table, ErrorCode::kCorruptFile);
  }
  for (const char* id : {"3", "-1", "one", "1x", ""}) {
    refuse(std::string("{\"") + id + "\": [\"a\", [1, 2, 3]]}", ErrorCode::kInvalidArgument);
  }
}
