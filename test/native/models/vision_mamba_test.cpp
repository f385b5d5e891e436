#include "models/vision_mamba.hpp"

#include <gtest/gtest.h>

#include "models/token_models.hpp"

namespace histojet::models {
namespace {

using test::failure_of;
using tokens::PictureIn;
using tokens::Precision;

/// Vim with patches of 4 px, two blocks of 16 channels and three classes, for pictures of 12 x 8 px.
std::shared_ptr<test::MemoryDict> small_vim(bool class_token) {
  auto dict = std::make_shared<test::MemoryDict>();
  test::set_formula(*dict, "patch_embed.proj.weight", {16, 3, 4, 4}, 0.2);
  test::set_formula(*dict, "patch_embed.proj.bias", {16}, 0.1);
  if (class_token) test::set_formula(*dict, "cls_token", {1, 1, 16}, 1);
  test::set_formula(*dict, "pos_embed", {1, class_token ? 7 : 6, 16}, 0.5);
  for (const std::string layer : {"layers.0.", "layers.1."}) {
    test::set_formula(*dict, layer + "norm.weight", {16}, 0.2, 1);
    test::set_mixer(*dict, layer + "mixer.", 16, 8, true);
  }
  test::set_formula(*dict, "norm_f.weight", {16}, 0.2, 1);
  test::set_formula(*dict, "head.weight", {3, 16}, 0.5);
  test::set_formula(*dict, "head.bias", {3}, 0.5);
  return dict;
}

VisionMambaOutput run_small(const VisionMamba& model, int threads = 1) {
  const std::vector<float> picture = test::picture_values(3 * 8 * 12);
  VisionMamba::Scratch scratch;
  return model.run(PictureIn::planar(picture.data(), 3, 8, 12), scratch, threads, {});
}

}  // namespace

TEST(VisionMamba, MatchesTheReference) {
  HISTOJET_NEEDS_MAMBA_FIXTURE("vim_tiny_model");
  const test::TokenFixture fixture("vim_tiny_model");
  const std::vector<float> x = fixture.values("x");
  for (const Precision precision : test::kPrecisions) {
    const VisionMamba model = VisionMamba::load(test::fixture_weights(fixture), {.layers = {.precision = precision}});
    EXPECT_EQ(model.config().depth, 3);
    EXPECT_EQ(model.config().embed_dim, 32);
    EXPECT_EQ(model.config().stride, 4);
    EXPECT_EQ(model.config().num_classes, 5);
    std::vector<float> features, logits;
    VisionMamba::Scratch scratch;
    for (int b = 0; b < 2; ++b) {
      const auto output = model.run(PictureIn::planar(x.data() + b * 3 * 16 * 16, 3, 16, 16), scratch, 1, {});
      features.insert(features.end(), output.features.begin(), output.features.end());
      logits.insert(logits.end(), output.logits.begin(), output.logits.end());
    }
    if (precision == Precision::kFloat32) {
      test::expect_float32_parity(features, fixture.values("features"));
      test::expect_float32_parity(logits, fixture.values("logits"));
    }
    EXPECT_LE(test::relative_distance(features, fixture.values("features")), test::allowed_distance(precision));
    EXPECT_LE(test::relative_distance(logits, fixture.values("logits")), test::allowed_distance(precision));
  }
}

TEST(VisionMamba, ThreadsDoNotChangeABit) {
  for (const Precision precision : test::kPrecisions) {
    const VisionMamba model = VisionMamba::load(small_vim(true), {.layers = {.precision = precision}});
    const VisionMambaOutput one = run_small(model);
    EXPECT_EQ(one.logits.size(), 3U);
    for (const int threads : {0, 2, 3}) EXPECT_EQ(run_small(model, threads).logits, one.logits);
  }
}

TEST(VisionMamba, OptionsThatNoShapeTellsAreObeyed) {
  const auto logits = [](bool class_token, const VisionMambaOptions& options) {
    return run_small(VisionMamba::load(small_vim(class_token), options)).logits;
  };
  EXPECT_NE(logits(true, {}), logits(true, {.divide_out = false}));
  EXPECT_NE(logits(true, {}), logits(true, {.class_token = ClassToken::kFirst}));
  EXPECT_NE(logits(false, {}), logits(false, {.pooling = TokenPooling::kLast}));
  const VisionMamba model = VisionMamba::load(small_vim(false));
  EXPECT_EQ(model.config().class_token, ClassToken::kNone);
  EXPECT_EQ(model.config().patches, 6);
}

TEST(VisionMamba, HalfStridesAreRecognised) {
  // "+" models: patches of 16 px, 27 x 27 of them in 224 px.
  auto dict = small_vim(true);
  test::set_formula(*dict, "patch_embed.proj.weight", {16, 3, 16, 16}, 0.1);
  test::set_formula(*dict, "pos_embed", {1, 27 * 27 + 1, 16}, 0.5);
  EXPECT_EQ(VisionMamba::load(dict).config().stride, 8);
  test::set_formula(*dict, "pos_embed", {1, 14 * 14 + 1, 16}, 0.5);
  EXPECT_EQ(VisionMamba::load(dict).config().stride, 16);
}

TEST(VisionMamba, ErrorsNameKeysAndShapes) {
  auto dict = small_vim(true);
  dict->remove("layers.1.mixer.D_b");
  auto failure = failure_of([&] { VisionMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kMissingWeight);
  EXPECT_NE(failure.second.find("layers.1.mixer.D_b"), std::string::npos) << failure.second;

  dict = small_vim(true);
  dict->set("norm_f.weight", Tensor(DType::kF32, {17}));
  failure = failure_of([&] { VisionMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kShapeMismatch);
  for (const char* part : {"norm_f.weight", "[17]", "[16]"}) {
    EXPECT_NE(failure.second.find(part), std::string::npos) << failure.second;
  }

  dict = small_vim(true);
  dict->set("layers.5.norm.weight", Tensor(DType::kF32, {16}));
  failure = failure_of([&] { VisionMamba::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kUnsupportedFormat);
  EXPECT_NE(failure.second.find("layers.5.norm.weight"), std::string::npos) << failure.second;

  for (const Shape& shape : {Shape{16, 3, 4}, Shape{0, 3, 4, 4}, Shape{16, 3, 4, 5}}) {
    dict = small_vim(true);
    dict->set("patch_embed.proj.weight", Tensor(DType::kF32, shape));
    EXPECT_EQ(failure_of([&] { VisionMamba::load(dict); }).first, ErrorCode::kShapeMismatch);
  }
  dict = small_vim(true);
  dict->set("layers.0.mixer.A_log", Tensor(DType::kF32, {}));
  EXPECT_EQ(failure_of([&] { VisionMamba::load(dict); }).first, ErrorCode::kShapeMismatch);
}

TEST(VisionMamba, PicturesOfOtherSizesAreRefused) {
  const VisionMamba model = VisionMamba::load(small_vim(true));
  const std::vector<float> picture = test::picture_values(3 * 16 * 16);
  VisionMamba::Scratch scratch;
  for (const std::int64_t side : {2, 16}) {
    const auto failure =
        failure_of([&] { model.run(PictureIn::planar(picture.data(), 3, side, side), scratch, 1, {}); });
    EXPECT_EQ(failure.first, ErrorCode::kShapeMismatch) << failure.second;
  }
  EXPECT_EQ(failure_of([&] { model.run(PictureIn::planar(picture.data(), 4, 8, 12), scratch, 1, {}); }).first,
            ErrorCode::kShapeMismatch);
}

TEST(VisionMamba, SharedPrefixesAreStrippedAndInfoTells) {
  const auto plain = small_vim(true);
  const auto prefixed = std::make_shared<test::MemoryDict>();
  for (const std::string& name : plain->names()) prefixed->set("module." + name, plain->get(name));
  const VisionMamba model = VisionMamba::load(prefixed);
  EXPECT_EQ(run_small(model).logits, run_small(VisionMamba::load(plain)).logits);
  std::int64_t values = 0;
  for (const std::string& name : plain->names()) values += plain->get(name).size();
  EXPECT_EQ(model.info().parameters, values);
  EXPECT_EQ(model.info().architecture, "vision-mamba");
  EXPECT_EQ(model.info().config.at("bimamba_type"), "\"v2\"");
  EXPECT_GT(model.info().memory_bytes, 4 * 5000);
}

}  // namespace histojet::models
