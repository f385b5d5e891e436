#include "tokens/mamba_block.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tokens/mamba2_mixer.hpp"
#include "tokens/patch_merging.hpp"
#include "tokens/sr_mamba.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::tokens {
namespace {

using test::TokenFixture;

/// All outputs of a fixture with [batch, tokens, dim] inputs: run(x, y, tokens, dim) for each sequence.
template <class Run>
std::vector<float> each_sequence(const TokenFixture& fixture, const Run& run) {
  const Shape shape = fixture.shape("x");
  const std::vector<float> x = fixture.values("x");
  std::vector<float> y(x.size());
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const std::int64_t at = b * shape[1] * shape[2];
    run(x.data() + at, y.data() + at, shape[1], shape[2]);
  }
  return y;
}

Mamba2Config mamba2_fixture_config() {
  return {.dim = 32, .d_state = 16, .headdim = 16};
}

}  // namespace

TEST(MambaStack, MatchesTheReference) {
  for (const char* name : {"mamba_stack_layer", "mamba_stack_rms"}) {
    if (!std::filesystem::exists(test::mamba_fixture(name))) continue;
    const TokenFixture fixture(name);
    MambaConfig config = mamba_config(fixture.weights().scope("layers.0.mixer"));
    EXPECT_EQ(config.dim, 16);
    EXPECT_EQ(config.d_state, 8);
    for (const Precision precision : test::kPrecisions) {
      const MambaStack stack = MambaStack::load(fixture.weights(), config, {.precision = precision});
      EXPECT_EQ(stack.depth(), 2);
      std::vector<float> residual = fixture.values("x");
      const std::int64_t tokens = static_cast<std::int64_t>(residual.size()) / 16;
      MixerScratch scratch;
      stack.run(residual.data(), 16, tokens, scratch, 2, {});
      std::vector<float> y(residual.size());
      stack.norm_f().run_tokens({residual.data(), 16}, {y.data(), 16}, tokens);
      if (precision == Precision::kFloat32) {
        test::expect_float32_parity(residual, fixture.values("residual"), name);
        test::expect_float32_parity(y, fixture.values("y"), name);
      } else {
        EXPECT_LE(test::relative_distance(y, fixture.values("y")), test::allowed_distance(precision)) << name;
      }
    }
  }
}

TEST(SrMamba, MatchesTheReference) {
  const TokenFixture fixture("srmamba_block");
  MambaConfig config = mamba_config(fixture.weights());
  ASSERT_EQ(config.bidirectional, Bidirectional::kV2);
  const MambaMixer mixer = MambaMixer::load(fixture.weights(), config, {});
  for (const int threads : {1, 3}) {
    const auto y = each_sequence(fixture, [&](const float* x, float* out, std::int64_t tokens, std::int64_t dim) {
      MixerScratch scratch;
      accumulate_strided(mixer, {.in = {x, dim}, .out = {out, dim}, .tokens = tokens}, 5, scratch, threads, {});
    });
    test::expect_float32_parity(y, fixture.values("y"));
  }
  MixerScratch scratch;
  std::vector<float> x(16);
  EXPECT_THROW(accumulate_strided(mixer, {.in = {x.data(), 16}, .out = {x.data(), 16}, .tokens = 1}, 0, scratch, 1, {}),
               Error);
}

TEST(SrMamba, StridedOrderHoldsEachTokenOnce) {
  EXPECT_EQ(strided_order(5, 2), (std::vector<std::int32_t>{0, 2, 4, 1, 3, -1}));
  EXPECT_EQ(strided_order(3, 5), (std::vector<std::int32_t>{0, 1, 2, -1, -1}));
  EXPECT_EQ(strided_order(4, 2), (std::vector<std::int32_t>{0, 2, 1, 3}));
}

TEST(Mamba2, MatchesTheReferenceInAnySplit) {
  const TokenFixture fixture("mamba2_block");
  for (const Precision precision : test::kPrecisions) {
    const Mamba2Mixer mixer = Mamba2Mixer::load(fixture.weights(), mamba2_fixture_config(), {.precision = precision});
    const auto in_runs = [&](std::int64_t length, int threads) {
      return each_sequence(fixture, [&](const float* x, float* y, std::int64_t tokens, std::int64_t dim) {
        Mamba2State state = mixer.start();
        Mamba2Scratch scratch;
        for (std::int64_t t = 0; t < tokens; t += length) {
          mixer.accumulate({x + t * dim, dim}, {y + t * dim, dim}, std::min(length, tokens - t), state, scratch,
                           threads, {});
        }
      });
    };
    const std::vector<float> whole = in_runs(1000, 1);
    if (precision == Precision::kFloat32) test::expect_float32_parity(whole, fixture.values("y"));
    EXPECT_LE(test::relative_distance(whole, fixture.values("y")), test::allowed_distance(precision));
    EXPECT_EQ(in_runs(1, 1), whole);
    EXPECT_EQ(in_runs(7, 3), whole);
  }
}

TEST(Mamba2, RefusesWhatCannotBe) {
  const TokenFixture fixture("mamba2_block");
  const auto code = [&](const Mamba2Config& config) {
    try {
      Mamba2Mixer::load(fixture.weights(), config, {});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  Mamba2Config config = mamba2_fixture_config();
  config.headdim = 24;
  EXPECT_EQ(code(config), ErrorCode::kInvalidArgument);
  config = mamba2_fixture_config();
  config.d_conv = 5;
  EXPECT_EQ(code(config), ErrorCode::kUnsupportedFormat);
  config = mamba2_fixture_config();
  config.d_state = 64;
  EXPECT_EQ(code(config), ErrorCode::kShapeMismatch);
}

TEST(PatchMerging, MatchesTheReferenceOnAnOddGrid) {
  const TokenFixture fixture("patch_merging_swin");
  const PatchMerging merging = PatchMerging::load(fixture.weights(), 8, 16, {});
  const std::vector<float> x = fixture.values("x");
  std::vector<float> y(fixture.values("y").size());
  ProductScratch scratch;
  merging.run(x.data(), 5, 6, y.data(), scratch, 2);
  test::expect_float32_parity(y, fixture.values("y"));
}

}  // namespace histojet::tokens
