#include "models/vmamba.hpp"

#include <gtest/gtest.h>

#include "models/token_models.hpp"

namespace histojet::models {
namespace {

using test::failure_of;
using tokens::PictureIn;
using tokens::Precision;

std::vector<float> logits_of(const VMamba& model, const std::vector<float>& x, int threads = 1) {
  VMamba::Scratch scratch;
  return model.run(PictureIn::planar(x.data(), 3, 32, 40), scratch, threads, {}).logits;
}

/// A key as the first release wrote it.
std::string old_name(std::string name) {
  const auto replace = [&](const std::string& from, const std::string& to) {
    const auto at = name.find(from);
    if (at != std::string::npos) name.replace(at, from.size(), to);
  };
  replace(".norm2.", ".ln_2.");
  if (name.starts_with("layers.") && name.find(".op.") == std::string::npos) replace(".norm.", ".ln_1.");
  replace(".op.", ".self_attention.");
  replace("classifier.norm.", "norm.");
  replace("classifier.head.", "head.");
  return name;
}

}  // namespace

TEST(VMamba, MatchesTheReference) {
  const test::TokenFixture fixture("vmamba_tiny_model");
  for (const Precision precision : test::kPrecisions) {
    const VMamba model = VMamba::load(test::fixture_weights(fixture), {.layers = {.precision = precision}});
    EXPECT_EQ(model.config().depths, (std::vector<std::int64_t>{1, 1}));
    EXPECT_EQ(model.config().dims, (std::vector<std::int64_t>{16, 32}));
    EXPECT_EQ(model.config().d_state, 1);
    EXPECT_FALSE(model.config().gated);
    const std::vector<float> logits = logits_of(model, fixture.values("x"));
    if (precision == Precision::kFloat32) test::expect_float32_parity(logits, fixture.values("logits"));
    EXPECT_LE(test::relative_distance(logits, fixture.values("logits")), test::allowed_distance(precision));
    for (const int threads : {0, 2, 3}) EXPECT_EQ(logits_of(model, fixture.values("x"), threads), logits);
  }
}

TEST(VMamba, KeysOfTheFirstReleaseAreKnown) {
  const test::TokenFixture fixture("vmamba_tiny_model");
  const auto today = test::fixture_weights(fixture);
  const auto old = std::make_shared<test::MemoryDict>();
  for (const std::string& name : today->names()) old->set("module." + old_name(name), today->get(name));
  ASSERT_TRUE(old->contains("module.layers.0.blocks.0.self_attention.out_norm.weight"));
  EXPECT_EQ(logits_of(VMamba::load(old), fixture.values("x")), logits_of(VMamba::load(today), fixture.values("x")));
}

TEST(VMamba, OtherEmbeddingsAndReductionsAreRecognised) {
  const test::TokenFixture fixture("vmamba_tiny_model");
  const auto one_window = [&] {
    auto dict = test::fixture_weights(fixture);
    for (const char* name : {"patch_embed.5.weight", "patch_embed.5.bias", "patch_embed.7.weight", "patch_embed.7.bias",
                             "layers.0.downsample.1.weight", "layers.0.downsample.1.bias",
                             "layers.0.downsample.3.weight", "layers.0.downsample.3.bias"}) {
      dict->remove(name);
    }
    test::set_formula(*dict, "patch_embed.0.weight", {16, 3, 4, 4}, 0.2);
    test::set_formula(*dict, "patch_embed.0.bias", {16}, 0.1);
    test::set_formula(*dict, "patch_embed.2.weight", {16}, 0.1, 1);
    test::set_formula(*dict, "patch_embed.2.bias", {16}, 0.1);
    return dict;
  };
  auto merging = one_window();
  test::set_formula(*merging, "layers.0.downsample.norm.weight", {64}, 0.1, 1);
  test::set_formula(*merging, "layers.0.downsample.norm.bias", {64}, 0.1);
  test::set_formula(*merging, "layers.0.downsample.reduction.weight", {32, 64}, 0.2);
  EXPECT_EQ(logits_of(VMamba::load(merging), fixture.values("x")).size(), 5U);
  auto window = one_window();
  test::set_formula(*window, "layers.0.downsample.1.weight", {32, 16, 2, 2}, 0.2);
  test::set_formula(*window, "layers.0.downsample.3.weight", {32}, 0.1, 1);
  test::set_formula(*window, "layers.0.downsample.3.bias", {32}, 0.1);
  const VMamba model = VMamba::load(window);
  EXPECT_EQ(logits_of(model, fixture.values("x")).size(), 5U);
  std::int64_t values = 0;
  for (const std::string& name : window->names()) values += window->get(name).size();
  EXPECT_EQ(model.info().parameters, values);
}

TEST(VMamba, ErrorsNameKeysAndShapes) {
  const test::TokenFixture fixture("vmamba_tiny_model");
  auto dict = test::fixture_weights(fixture);
  dict->remove("layers.1.blocks.0.op.Ds");
  auto failure = failure_of([&] { VMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kMissingWeight);
  EXPECT_NE(failure.second.find("layers.1.blocks.0.op.Ds"), std::string::npos) << failure.second;

  dict = test::fixture_weights(fixture);
  dict->set("layers.1.blocks.0.op.x_proj_weight", Tensor(DType::kF32, {4, 5, 32}));
  failure = failure_of([&] { VMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kShapeMismatch);
  for (const char* part : {"op.x_proj_weight", "[4, 5, 32]", "[4, 4, 32]"}) {
    EXPECT_NE(failure.second.find(part), std::string::npos) << failure.second;
  }

  dict = test::fixture_weights(fixture);
  dict->set("layers.1.blocks.0.attn.weight", Tensor(DType::kF32, {1}));
  failure = failure_of([&] { VMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kUnsupportedFormat);
  EXPECT_NE(failure.second.find("layers.1.blocks.0.attn.weight"), std::string::npos) << failure.second;

  EXPECT_EQ(failure_of([&] { VMamba::load(std::make_shared<test::MemoryDict>()); }).first, ErrorCode::kMissingWeight);
  const VMamba model = VMamba::load(test::fixture_weights(fixture));
  const std::vector<float> x = fixture.values("x");
  VMamba::Scratch scratch;
  EXPECT_EQ(failure_of([&] { model.run(PictureIn::planar(x.data(), 3, 4, 40), scratch, 1, {}); }).first,
            ErrorCode::kShapeMismatch);
  EXPECT_EQ(failure_of([&] { model.run(PictureIn::planar(x.data(), 2, 32, 40), scratch, 1, {}); }).first,
            ErrorCode::kShapeMismatch);
}

}  // namespace histojet::models
