#include "models/mamba_mil.hpp"

#include <gtest/gtest.h>

#include "models/token_models.hpp"
#include "tokens/sr_mamba.hpp"

namespace histojet::models {
namespace {

using test::failure_of;
using tokens::Precision;

constexpr std::int64_t kIn = 20, kDim = 16, kTiles = 23, kHidden = 12, kClasses = 3;

/// MambaMIL of two layers; mixers with two branches or one.
std::shared_ptr<test::MemoryDict> small_mil(bool two) {
  auto dict = std::make_shared<test::MemoryDict>();
  test::set_formula(*dict, "_fc1.0.weight", {kDim, kIn}, 0.4);
  test::set_formula(*dict, "_fc1.0.bias", {kDim}, 0.2);
  for (const std::string layer : {"layers.0.", "layers.1."}) {
    test::set_formula(*dict, layer + "0.weight", {kDim}, 0.2, 1);
    test::set_formula(*dict, layer + "0.bias", {kDim}, 0.2);
    test::set_mixer(*dict, layer + "1.", kDim, 16, two);
  }
  test::set_formula(*dict, "norm.weight", {kDim}, 0.2, 1);
  test::set_formula(*dict, "norm.bias", {kDim}, 0.2);
  test::set_formula(*dict, "attention.0.weight", {kHidden, kDim}, 0.5);
  test::set_formula(*dict, "attention.0.bias", {kHidden}, 0.2);
  test::set_formula(*dict, "attention.2.weight", {1, kHidden}, 2);
  test::set_formula(*dict, "attention.2.bias", {1}, 0.2);
  test::set_formula(*dict, "classifier.weight", {kClasses, kDim}, 0.5);
  test::set_formula(*dict, "classifier.bias", {kClasses}, 0.2);
  return dict;
}

using Matrix = std::vector<double>;

/// y = x Wᵀ + b in double precision, straight from the checkpoint.
Matrix linear(const weights::StateDict& dict, const std::string& key, const Matrix& x, std::size_t in) {
  const Tensor weight = dict.get(key + ".weight"), bias = dict.get(key + ".bias");
  const auto out = static_cast<std::size_t>(weight.shape()[0]);
  Matrix y;
  for (std::size_t t = 0; t < x.size() / in; ++t) {
    for (std::size_t n = 0; n < out; ++n) {
      double sum = bias.values<float>()[n];
      for (std::size_t k = 0; k < in; ++k) sum += x[t * in + k] * weight.values<float>()[n * in + k];
      y.push_back(sum);
    }
  }
  return y;
}

Matrix layer_norm(const weights::StateDict& dict, const std::string& key, const Matrix& x) {
  const Tensor weight = dict.get(key + ".weight"), bias = dict.get(key + ".bias");
  Matrix y(x.size());
  for (std::size_t t = 0; t < x.size(); t += kDim) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < kDim; ++c) mean += x[t + c] / kDim;
    for (std::size_t c = 0; c < kDim; ++c) variance += (x[t + c] - mean) * (x[t + c] - mean) / kDim;
    for (std::size_t c = 0; c < kDim; ++c) {
      y[t + c] = (x[t + c] - mean) / std::sqrt(variance + 1e-5) * weight.values<float>()[c] + bias.values<float>()[c];
    }
  }
  return y;
}

/// The network step by step; only the mixers are the library's (they have references of their own).
Matrix expected_logits(const std::shared_ptr<test::MemoryDict>& dict, const std::vector<float>& features, MilMixer kind,
                       Matrix* attention) {
  Matrix h = linear(*dict, "_fc1.0", Matrix(features.begin(), features.end()), kIn);
  for (double& value : h) value = std::max(0.0, value);
  for (const std::string layer : {"layers.0", "layers.1"}) {
    const Matrix normed = layer_norm(*dict, layer + ".0", h);
    const std::vector<float> in(normed.begin(), normed.end());
    std::vector<float> out(in.size());
    const weights::WeightScope scope(dict, layer + ".1");
    const auto mixer = tokens::MambaMixer::load(scope, tokens::mamba_config(scope), {});
    tokens::MixerScratch scratch;
    const tokens::MixerRun run{.in = {in.data(), kDim}, .out = {out.data(), kDim}, .tokens = kTiles};
    if (kind == MilMixer::kSrMamba) {
      tokens::accumulate_strided(mixer, run, 10, scratch, 1, {});
    } else {
      mixer.accumulate_all(run, scratch, 1, {});
    }
    for (std::size_t i = 0; i < h.size(); ++i) h[i] += out[i];
  }
  h = layer_norm(*dict, "norm", h);
  Matrix hidden = linear(*dict, "attention.0", h, kDim);
  for (double& value : hidden) value = std::tanh(value);
  Matrix scores = linear(*dict, "attention.2", hidden, kHidden);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score);
  Matrix pooled(kDim);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    scores[t] /= sum;
    for (std::size_t c = 0; c < kDim; ++c) pooled[c] += scores[t] * h[t * kDim + c];
  }
  *attention = scores;
  return linear(*dict, "classifier", pooled, kDim);
}

MambaMilOutput run_mil(const MambaMil& model, const std::vector<float>& features, int threads = 1) {
  MambaMil::Scratch scratch;
  return model.run({features.data(), kIn}, kTiles, scratch, threads, {});
}

std::vector<float> floats(const Matrix& values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST(MambaMil, EqualsItsLayersOneByOne) {
  const std::vector<float> features = test::picture_values(kTiles * kIn);
  for (const MilMixer kind : {MilMixer::kMamba, MilMixer::kBiMamba, MilMixer::kSrMamba}) {
    const auto dict = small_mil(kind != MilMixer::kMamba);
    Matrix attention;
    const std::vector<float> expected = floats(expected_logits(dict, features, kind, &attention));
    for (const Precision precision : test::kPrecisions) {
      const MambaMil model = MambaMil::load(dict, {.layers = {.precision = precision}, .mixer = kind});
      EXPECT_EQ(model.config().depth, 2);
      EXPECT_EQ(model.config().mixer, kind);
      const MambaMilOutput output = run_mil(model, features);
      if (precision == Precision::kFloat32) {
        test::expect_float32_parity(output.logits, expected);
        test::expect_float32_parity(output.attention, floats(attention));
      }
      EXPECT_LE(test::relative_distance(output.logits, expected), test::allowed_distance(precision));
      for (const int threads : {0, 2, 3}) {
        const MambaMilOutput again = run_mil(model, features, threads);
        EXPECT_EQ(again.logits, output.logits);
        EXPECT_EQ(again.attention, output.attention);
      }
      double sum = 0;
      for (const float value : output.probabilities) sum += value;
      EXPECT_NEAR(sum, 1, 1e-6);
    }
  }
}

TEST(MambaMil, SurvivalFollowsTheHazards) {
  const std::vector<float> features = test::picture_values(kTiles * kIn);
  const MambaMilOutput output = run_mil(MambaMil::load(small_mil(true), {.survival = true}), features);
  EXPECT_TRUE(output.probabilities.empty());
  double surviving = 1, risk = 0;
  for (std::size_t k = 0; k < kClasses; ++k) {
    const double hazard = 1 / (1 + std::exp(-output.logits[k]));
    surviving *= 1 - hazard;
    risk -= surviving;
    EXPECT_NEAR(output.hazards[k], hazard, 1e-6);
    EXPECT_NEAR(output.survival[k], surviving, 1e-6);
  }
  EXPECT_NEAR(output.risk, risk, 1e-6);
}

TEST(MambaMil, OptionsThatNoShapeTellsAreObeyed) {
  const std::vector<float> features = test::picture_values(kTiles * kIn);
  const auto logits = [&](const MambaMilOptions& options) {
    return run_mil(MambaMil::load(small_mil(true), options), features).logits;
  };
  EXPECT_NE(logits({}), logits({.rate = 3}));
  EXPECT_NE(logits({}), logits({.activation = MilActivation::kGelu}));
  EXPECT_NE(logits({}), logits({.mixer = MilMixer::kBiMamba}));
  EXPECT_EQ(MambaMil::load(small_mil(false)).config().mixer, MilMixer::kMamba);
}

TEST(MambaMil, ErrorsNameKeysAndShapes) {
  auto dict = small_mil(true);
  dict->remove("attention.2.weight");
  auto failure = failure_of([&] { MambaMil::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kMissingWeight);
  EXPECT_NE(failure.second.find("attention.2.weight"), std::string::npos) << failure.second;

  dict = small_mil(true);
  dict->set("classifier.weight", Tensor(DType::kF32, {3, 17}));
  failure = failure_of([&] { MambaMil::load(dict); });
  EXPECT_EQ(failure.first, ErrorCode::kShapeMismatch);
  for (const char* part : {"classifier.weight", "[3, 17]", "[3, 16]"}) {
    EXPECT_NE(failure.second.find(part), std::string::npos) << failure.second;
  }

  dict = small_mil(true);
  dict->set("pos_embed", Tensor(DType::kF32, {1}));
  EXPECT_EQ(failure_of([&] { MambaMil::load(dict); }).first, ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(failure_of([&] { MambaMil::load(small_mil(true), {.rate = 0}); }).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure_of([&] { MambaMil::load(small_mil(true), {.mixer = MilMixer::kMamba}); }).first,
            ErrorCode::kInvalidArgument);
  const MambaMil model = MambaMil::load(small_mil(true));
  MambaMil::Scratch scratch;
  EXPECT_EQ(failure_of([&] { model.run({nullptr, kIn}, 0, scratch, 1, {}); }).first, ErrorCode::kInvalidArgument);
}

TEST(MambaMil, StopsWhenAsked) {
  const std::vector<float> features = test::picture_values(kTiles * kIn);
  CancelSource source;
  source.cancel();
  MambaMil::Scratch scratch;
  EXPECT_THROW(MambaMil::load(small_mil(true)).run({features.data(), kIn}, kTiles, scratch, 1, source.token()),
               Cancelled);
}

}  // namespace histojet::models
