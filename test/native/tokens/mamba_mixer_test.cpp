#include "tokens/mamba_mixer.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "available_isas.hpp"
#include "base/error.hpp"
#include "tokens/made_mixer.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::tokens {
namespace {

using test::TokenFixture;

MambaConfig config_of(const TokenFixture& fixture) {
  MambaConfig config = mamba_config(fixture.weights());
  config.divide_out = fixture.configured("\"if_divide_out\": true");
  return config;
}

MambaMixer mixer_of(const TokenFixture& fixture, const LayerOptions& options = {}) {
  return MambaMixer::load(fixture.weights(), config_of(fixture), options);
}

/// All sequences of the fixture, one after the other.
std::vector<float> outputs(const TokenFixture& fixture, const MambaMixer& mixer, int threads = 1) {
  const Shape shape = fixture.shape("x");
  const std::vector<float> x = fixture.values("x");
  std::vector<float> y(x.size());
  MixerScratch scratch;
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const std::int64_t at = b * shape[1] * shape[2];
    mixer.forward({.in = {x.data() + at, shape[2]}, .out = {y.data() + at, shape[2]}, .tokens = shape[1]}, scratch,
                  threads, {});
  }
  return y;
}

const char* const kMixers[] = {"mamba_block_bias_short", "mamba_block_default", "mamba_block_nobiasconv",
                               "vim_mixer_v1",           "vim_mixer_v2",        "vim_mixer_v2_div2",
                               "vim_mixer_v2_layerscale"};

class MambaFixtures : public testing::TestWithParam<const char*> {};

MambaMixer made_mixer(const MambaConfig& config, const LayerOptions& options = {}) {
  return MambaMixer::load(weights::WeightScope(std::make_shared<MadeMixer>(config)), config, options);
}

std::vector<float> noise(std::int64_t count) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

constexpr std::int64_t kTokens = 700;  // more than one tile with 192 values

/// The sequence cut at `cuts`, through one direction, in the order that it wants.
std::vector<float> in_runs(const MambaMixer& mixer, Direction direction, const std::vector<float>& x,
                           std::vector<std::int64_t> cuts, int threads) {
  const std::int64_t dim = mixer.config().dim;
  const auto tokens = static_cast<std::int64_t>(x.size()) / dim;
  std::vector<float> y(x.size());
  cuts.insert(cuts.begin(), 0);
  cuts.push_back(tokens);
  MambaState state = mixer.start(direction);
  MixerScratch scratch;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const std::size_t k = direction == Direction::kForward ? i : cuts.size() - 2 - i;
    mixer.accumulate(direction,
                     {.in = {x.data() + cuts[k] * dim, dim},
                      .out = {y.data() + cuts[k] * dim, dim},
                      .tokens = cuts[k + 1] - cuts[k],
                      .tokens_before = cuts[k]},
                     state, scratch, threads, {});
  }
  return y;
}

}  // namespace

TEST_P(MambaFixtures, MatchTheReference) {
  HISTOJET_NEEDS_MAMBA_FIXTURE(GetParam());
  const TokenFixture fixture(GetParam());
  for (const Isa isa : test::available_isas()) {
    test::expect_float32_parity(outputs(fixture, mixer_of(fixture, {.isa = isa})), fixture.values("y"),
                                std::string(isa_name(isa)));
  }
}

TEST_P(MambaFixtures, LowerPrecisionsStayClose) {
  HISTOJET_NEEDS_MAMBA_FIXTURE(GetParam());
  const TokenFixture fixture(GetParam());
  for (const Precision precision : test::kPrecisions) {
    const double distance =
        test::relative_distance(outputs(fixture, mixer_of(fixture, {.precision = precision})), fixture.values("y"));
    EXPECT_LE(distance, test::allowed_distance(precision)) << engine::precision_name(precision);
  }
}

INSTANTIATE_TEST_SUITE_P(References, MambaFixtures, testing::ValuesIn(kMixers),
                         [](const auto& param) { return std::string(param.param); });

TEST(MambaMixer, StatesMatchTheReferenceCaches) {
  for (const char* name : {"mamba_block_default", "mamba_block_bias_short"}) {
    const TokenFixture fixture(name);
    const MambaMixer mixer = mixer_of(fixture);
    const Shape shape = fixture.shape("x");
    const std::vector<float> x = fixture.values("x");
    std::vector<float> conv, ssm;
    for (std::int64_t b = 0; b < shape[0]; ++b) {
      std::vector<float> y(x.size());
      MambaState state = mixer.start(Direction::kForward);
      MixerScratch scratch;
      // One token at a time, as text models generate.
      for (std::int64_t t = 0; t < shape[1]; ++t) {
        const float* token = x.data() + (b * shape[1] + t) * shape[2];
        mixer.accumulate(Direction::kForward, {.in = {token, shape[2]}, .out = {y.data(), shape[2]}, .tokens = 1},
                         state, scratch, 1, {});
      }
      for (const float value : state.conv_state()) conv.push_back(value);
      for (const float value : state.ssm_state()) ssm.push_back(value);
      MambaState copy = mixer.start(Direction::kForward);
      copy.set(state.conv_state(), state.ssm_state());
      EXPECT_EQ(copy.ssm, state.ssm);
      EXPECT_EQ(copy.conv_state(), state.conv_state());
      EXPECT_THROW(copy.set(state.ssm_state(), state.ssm_state()), Error);
    }
    test::expect_float32_parity(conv, fixture.values("conv_state"), name);
    test::expect_float32_parity(ssm, fixture.values("ssm_state"), name);
  }
}

TEST(MambaMixer, RunsAndThreadsDoNotChangeABit) {
  for (const Precision precision : test::kPrecisions) {
    for (const auto bidirectional : {Bidirectional::kV1, Bidirectional::kV2}) {
      const MambaConfig config{.dim = 192, .bidirectional = bidirectional};
      const MambaMixer mixer = made_mixer(config, {.precision = precision});
      const std::vector<float> x = noise(kTokens * config.dim);
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        const std::vector<float> whole = in_runs(mixer, direction, x, {}, 1);
        for (const int threads : {1, 2, 3}) {
          EXPECT_EQ(in_runs(mixer, direction, x, {}, threads), whole);
          EXPECT_EQ(in_runs(mixer, direction, x, {1, 2, 5, 333, 640}, threads), whole);
        }
      }
    }
  }
}

TEST(MambaMixer, OddSizesAndLongConvolutionsMatchTheScalarVariant) {
  for (const MambaConfig& config :
       {MambaConfig{.dim = 8, .d_state = 3, .d_conv = 2}, MambaConfig{.dim = 21, .d_state = 5, .d_conv = 7},
        MambaConfig{.dim = 33, .d_state = 1, .d_conv = 1, .expand = 3, .bidirectional = Bidirectional::kV1},
        MambaConfig{.dim = 40, .d_state = 20, .d_conv = 6, .expand = 1, .dt_rank = 35}}) {
    const std::vector<float> x = noise(57 * config.dim);
    const auto run = [&](const MambaMixer& mixer, Direction direction) { return in_runs(mixer, direction, x, {}, 1); };
    const MambaMixer reference = made_mixer(config, {.isa = Isa::kScalar});
    const MambaMixer fast = made_mixer(config);
    test::expect_float32_parity(run(fast, Direction::kForward), run(reference, Direction::kForward));
    if (config.bidirectional == Bidirectional::kNone) continue;
    test::expect_float32_parity(run(fast, Direction::kBackward), run(reference, Direction::kBackward));
    EXPECT_EQ(in_runs(fast, Direction::kBackward, x, {1, 3, 30}, 2), run(fast, Direction::kBackward));
  }
}

TEST(MambaMixer, DirectionsTogetherEqualOneAfterTheOther) {
  constexpr std::int64_t kLong = 4500;  // both sides of the length up to which the directions share their products
  for (const auto bidirectional : {Bidirectional::kV1, Bidirectional::kV2}) {
    for (const std::int64_t taps : {4, 6}) {
      const MambaConfig config{.dim = 48, .d_conv = taps, .bidirectional = bidirectional, .divide_out = true};
      const MambaMixer mixer = made_mixer(config);
      for (const std::int64_t tokens : {std::int64_t{1}, std::int64_t{3}, kTokens, kLong}) {
        SCOPED_TRACE(tokens);
        const std::vector<float> x = noise(tokens * config.dim);
        const auto all = [&](int threads) {
          std::vector<float> y(x.size());
          MixerScratch scratch;
          mixer.forward({.in = {x.data(), config.dim}, .out = {y.data(), config.dim}, .tokens = tokens}, scratch,
                        threads, {});
          return y;
        };
        const std::vector<float> one = all(1);
        for (const int threads : {0, 2, 5}) EXPECT_EQ(all(threads), one);
        std::vector<float> sum = in_runs(mixer, Direction::kForward, x, {}, 1);
        const std::vector<float> backward = in_runs(mixer, Direction::kBackward, x, {}, 1);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += backward[i];
        test::expect_float32_parity(one, sum);
      }
    }
  }
}

/// Both directions with one gate and one last product: whichever comes first, however the runs are cut.
TEST(MambaMixer, DirectionsThatShareTheirOutputEqualTheirSum) {
  for (const Precision precision : test::kPrecisions) {
    for (const auto bidirectional : {Bidirectional::kV1, Bidirectional::kV2}) {
      for (const std::int64_t dim : {24, 192}) {
        const MambaConfig config{.dim = dim, .bidirectional = bidirectional, .divide_out = true};
        const MambaMixer mixer = made_mixer(config, {.precision = precision});
        const std::vector<float> x = noise(kTokens * dim);
        const auto shared = [&](Direction first, const std::vector<std::int64_t>& cuts, int threads) {
          std::vector<float> y = x;
          std::vector<float> scanned(static_cast<std::size_t>(kTokens * mixer.scan_step()));
          MixerScratch scratch;
          for (const Part part : {Part::kFirst, Part::kSecond}) {
            const bool forward = (first == Direction::kForward) == (part == Part::kFirst);
            MambaState state = mixer.start(forward ? Direction::kForward : Direction::kBackward);
            for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
              const std::size_t k = forward ? i : cuts.size() - 2 - i;
              mixer.accumulate(forward ? Direction::kForward : Direction::kBackward,
                               {.in = {y.data() + cuts[k] * dim, dim},
                                .out = {y.data() + cuts[k] * dim, dim},
                                .tokens = cuts[k + 1] - cuts[k],
                                .tokens_before = cuts[k],
                                .part = part,
                                .scanned = scanned.data() + cuts[k] * mixer.scan_step()},
                               state, scratch, threads, {});
            }
          }
          return y;
        };
        const std::vector<float> whole = shared(Direction::kBackward, {0, kTokens}, 1);
        for (const int threads : {1, 2, 3}) {
          EXPECT_EQ(shared(Direction::kBackward, {0, kTokens}, threads), whole);
          EXPECT_EQ(shared(Direction::kBackward, {0, 1, 2, 5, 333, 640, kTokens}, threads), whole);
          EXPECT_EQ(shared(Direction::kForward, {0, 77, kTokens}, threads), whole);
        }
        std::vector<float> sum = x;
        const std::vector<float> forward = in_runs(mixer, Direction::kForward, x, {}, 1);
        const std::vector<float> backward = in_runs(mixer, Direction::kBackward, x, {}, 1);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += forward[i] + backward[i];
        EXPECT_LE(test::relative_distance(whole, sum),
                  precision == Precision::kFloat32 ? 1e-5 : test::allowed_distance(precision))
            << engine::precision_name(precision);
      }
    }
  }
  const MambaMixer mixer = made_mixer({.dim = 24, .bidirectional = Bidirectional::kV2});
  MambaState state = mixer.start(Direction::kForward);
  MixerScratch scratch;
  std::vector<float> x(24);
  const MixerRun nowhere{.in = {x.data(), 24}, .out = {x.data(), 24}, .tokens = 1, .part = Part::kFirst};
  EXPECT_THROW(mixer.accumulate(Direction::kForward, nowhere, state, scratch, 1, {}), Error);
}

TEST(MambaMixer, BackwardIsForwardOnTheReversedSequence) {
  // Both branches of the made mixer differ; a mixer whose branches agree must be symmetric.
  const MambaConfig config{.dim = 24, .bidirectional = Bidirectional::kV2};
  class Mirrored final : public weights::StateDict {
   public:
    explicit Mirrored(const MambaConfig& config) : made_(config) {}
    const std::string& path() const override { return made_.path(); }
    const std::string& format() const override { return made_.format(); }
    const std::vector<std::string>& names() const override { return made_.names(); }
    const Entry& entry(std::string_view name) const override { return made_.entry(forward(name)); }
    bool contains(std::string_view name) const override { return name != "out_proj.bias" && made_.contains(name); }
    Tensor get(std::string_view name) const override { return made_.get(forward(name)); }
    const std::map<std::string, std::string>& metadata() const override { return made_.metadata(); }
    std::string sha256() const override { return ""; }

   private:
    static std::string forward(std::string_view name) {
      std::string plain(name);
      const auto at = plain.find("_b");
      if (at != std::string::npos && !plain.ends_with(".bias_b")) plain.erase(at, 2);
      return plain;
    }
    MadeMixer made_;
  };
  const MambaMixer mixer = MambaMixer::load(weights::WeightScope(std::make_shared<Mirrored>(config)), config, {});
  const std::vector<float> x = noise(90 * config.dim);
  std::vector<float> reversed(x.size());
  const auto mirror = [&](const std::vector<float>& from, std::vector<float>& to) {
    for (std::int64_t t = 0; t < 90; ++t) std::copy_n(from.begin() + t * 24, 24, to.begin() + (89 - t) * 24);
  };
  mirror(x, reversed);
  std::vector<float> expected(x.size());
  mirror(in_runs(mixer, Direction::kForward, reversed, {}, 1), expected);
  EXPECT_EQ(in_runs(mixer, Direction::kBackward, x, {}, 1), expected);
}

TEST(MambaMixer, OrdersGatherAndScatter) {
  const MambaConfig config{.dim = 24};
  const MambaMixer mixer = made_mixer(config);
  const std::vector<float> x = noise(50 * config.dim);
  std::vector<std::int32_t> order(50);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  order[17] = -1;
  std::vector<float> gathered(x.size());
  for (std::size_t t = 0; t < order.size(); ++t) {
    if (order[t] >= 0)
      std::copy_n(x.begin() + order[t] * 24, 24, gathered.begin() + static_cast<std::ptrdiff_t>(t) * 24);
  }
  const std::vector<float> expected = in_runs(mixer, Direction::kForward, gathered, {}, 1);
  std::vector<float> y(x.size());
  MambaState state = mixer.start(Direction::kForward);
  MixerScratch scratch;
  mixer.accumulate(Direction::kForward,
                   {.in = {x.data(), 24, order.data()}, .out = {y.data(), 24, order.data()}, .tokens = 50}, state,
                   scratch, 1, {});
  for (std::size_t t = 0; t < order.size(); ++t) {
    if (order[t] < 0) continue;
    for (std::size_t c = 0; c < 24; ++c)
      EXPECT_EQ(y[static_cast<std::size_t>(order[t]) * 24 + c], expected[t * 24 + c]);
  }
}

TEST(MambaMixer, ErrorsNameKeysAndShapes) {
  const TokenFixture fixture("mamba_block_default");
  MambaConfig config = config_of(fixture);
  config.d_state = 8;
  try {
    MambaMixer::load(fixture.weights(), config, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    const std::string message = error.what();
    for (const char* part : {"weights.x_proj.weight", "[34, 48]", "[18, 48]"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
  config = config_of(fixture);
  config.bidirectional = Bidirectional::kV1;
  try {
    MambaMixer::load(fixture.weights(), config, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingWeight);
  }
  EXPECT_THROW(MambaMixer::load(fixture.weights(), {}, {}), Error);
  EXPECT_THROW(MambaMixer::load(fixture.weights(), {.dim = std::int64_t{1} << 62}, {}), Error);
  const MambaMixer mixer = mixer_of(fixture);
  MixerScratch scratch;
  MambaState state = mixer.start(Direction::kForward);
  std::vector<float> x(24);
  const MixerRun run{.in = {x.data(), 24}, .out = {x.data(), 24}, .tokens = 1};
  EXPECT_THROW(mixer.accumulate(Direction::kBackward, run, state, scratch, 1, {}), Error);
  MambaState other;
  EXPECT_THROW(mixer.accumulate(Direction::kForward, run, other, scratch, 1, {}), Error);
}

TEST(MambaMixer, StopsWhenAsked) {
  const MambaMixer mixer = made_mixer({.dim = 192});
  const std::vector<float> x = noise(kTokens * 192);
  std::vector<float> y(x.size());
  for (const int threads : {1, 2, 4}) {
    CancelSource source;
    source.cancel();
    MixerScratch scratch;
    const MixerRun run{.in = {x.data(), 192}, .out = {y.data(), 192}, .tokens = kTokens};
    EXPECT_THROW(mixer.forward(run, scratch, threads, source.token()), Cancelled);
    // Scratch memory is as good as new after that.
    mixer.forward(run, scratch, threads, {});
    EXPECT_EQ(y, in_runs(mixer, Direction::kForward, x, {}, 1));
  }
}

TEST(MambaMixer, ResidualsMayBeUpdatedInPlace) {
  const MambaMixer mixer = made_mixer({.dim = 192});
  const std::vector<float> x = noise(kTokens * 192);
  std::vector<float> expected = x;
  const std::vector<float> y = in_runs(mixer, Direction::kForward, x, {}, 1);
  for (std::size_t i = 0; i < y.size(); ++i) expected[i] += y[i];
  for (const int threads : {1, 2, 4}) {
    std::vector<float> residual = x;
    MixerScratch scratch;
    MambaState state = mixer.start(Direction::kForward);
    mixer.accumulate(Direction::kForward,
                     {.in = {residual.data(), 192}, .out = {residual.data(), 192}, .tokens = kTokens}, state, scratch,
                     threads, {});
    EXPECT_EQ(residual, expected);
  }
}

}  // namespace histojet::tokens
