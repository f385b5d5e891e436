#include "explain/hidden_attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "explain/block_rollout.hpp"
#include "explain/random_terms.hpp"
#include "fixtures.hpp"
#include "kernels/adjoint_scan/adjoint_scan.hpp"
#include "kernels/selective_scan/selective_scan.hpp"
#include "weights/state_dict.hpp"

namespace histojet::explain {
namespace {

using Values = std::vector<float>;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// The fixture, channels-last.
class Fixture {
 public:
  Fixture() : dict_(weights::StateDict::open(test::shared_fixture("mamba/hidden_attention.safetensors"))) {
    delta = last(read("delta"));
    u = last(read("u"));
    b = last(read("B"));
    c = last(read("C"));
    bias = read("delta_bias");
    d = read("D");
    const Values a = read("A");
    a2.resize(at(kStates * 16));
    for (std::int64_t channel = 0; channel < kChannels; ++channel) {
      for (std::int64_t n = 0; n < kStates; ++n) {
        a2[at(n * 16 + channel)] = a[at(channel * kStates + n)] * std::numbers::log2e_v<float>;
      }
    }
  }
  static constexpr std::int64_t kChannels = 4, kStates = 4, kTokens = 12;

  Values read(const std::string& name) const {
    const Tensor tensor = dict_->get(name).to_f32();
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }
  ScanTerms terms() const {
    return {.delta = delta.data(),
            .b = b.data(),
            .c = c.data(),
            .delta_step = kChannels,
            .b_step = kStates,
            .c_step = kStates};
  }
  ScanConstants constants() const {
    return {.a2 = a2.data(), .delta_bias = bias.data(), .channel_stride = 16, .channels = kChannels, .states = kStates};
  }

  Values delta, u, b, c, bias, d, a2;

 private:
  static Values last(const Values& values) {
    const auto rows = static_cast<std::int64_t>(values.size()) / kTokens;
    Values out(values.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t t = 0; t < kTokens; ++t) out[at(t * rows + row)] = values[at(row * kTokens + t)];
    }
    return out;
  }
  std::shared_ptr<const weights::StateDict> dict_;
};

TEST(HiddenAttention, MatricesAreTheFixtures) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const Fixture fixture;
  const HiddenAttention attention =
      hidden_attention(fixture.terms(), fixture.constants(), Fixture::kTokens, Direction::kForward, Sign::kSigned);
  const Values wanted = fixture.read("alpha");
  ASSERT_EQ(attention.values.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(attention.values[i], wanted[i], 1e-6) << i;
}

TEST(HiddenAttention, ScansGiveTheFixturesSums) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const Fixture in;
  const Values weights = in.read("row_weights"), columns = in.read("column_sums"), rows = in.read("row_sums");
  constexpr std::int64_t kLast = Fixture::kTokens - 1, kD = Fixture::kChannels, kN = Fixture::kStates;
  for (const Isa isa : {Isa::kScalar, active_isa()}) {
    Values state(in.a2.size()), found(in.delta.size()), sums(at(kLast + 1)), ones(16, 1.0F), scanned(in.delta.size());
    kernels::kAdjointScan.pick(isa)({.delta = in.delta.data() + kLast * kD,
                                     .b = in.b.data() + kLast * kN,
                                     .c = in.c.data() + kLast * kN,
                                     .weight = weights.data() + kLast,
                                     .delta_step = -kD,
                                     .b_step = -kN,
                                     .c_step = -kN,
                                     .weight_step = -1,
                                     .a2 = in.a2.data(),
                                     .channel_stride = 16,
                                     .delta_bias = in.bias.data(),
                                     .state = state.data(),
                                     .sum = sums.data() + kLast,
                                     .sum_step = -1,
                                     .columns = found.data() + kLast * kD,
                                     .columns_step = -kD,
                                     .steps = Fixture::kTokens,
                                     .channels = kD,
                                     .states = kN});
    Values fresh(in.a2.size());
    kernels::kSelectiveScan.pick(isa)({.u = ones.data(),
                                       .delta = in.delta.data(),
                                       .b = in.b.data(),
                                       .c = in.c.data(),
                                       .y = scanned.data(),
                                       .u_step = 0,
                                       .delta_step = kD,
                                       .b_step = kN,
                                       .c_step = kN,
                                       .y_step = kD,
                                       .a2 = in.a2.data(),
                                       .channel_stride = 16,
                                       .delta_bias = in.bias.data(),
                                       .state = fresh.data(),
                                       .steps = Fixture::kTokens,
                                       .channels = kD,
                                       .states = kN});
    for (std::int64_t t = 0; t <= kLast; ++t) {
      float sum = 0;
      for (std::int64_t channel = 0; channel < kD; ++channel) {
        const float wanted = columns[at(channel * (kLast + 1) + t)];
        ASSERT_NEAR(found[at(t * kD + channel)], wanted, 1e-6);
        ASSERT_NEAR(scanned[at(t * kD + channel)], rows[at(channel * (kLast + 1) + t)], 1e-6);
        sum += wanted;
      }
      ASSERT_NEAR(sums[at(t)], sum, 2e-6);
    }
  }
}

// The attention is all that the scan does with its input.
TEST(HiddenAttention, TimesInputPlusSkipIsTheScan) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const Fixture in;
  constexpr std::int64_t kD = Fixture::kChannels, kN = Fixture::kStates;
  const HiddenAttention attention =
      hidden_attention(in.terms(), in.constants(), Fixture::kTokens, Direction::kForward, Sign::kSigned);
  Values state(in.a2.size()), y(in.u.size());
  kernels::kSelectiveScan.pick(active_isa())({.u = in.u.data(),
                                              .delta = in.delta.data(),
                                              .b = in.b.data(),
                                              .c = in.c.data(),
                                              .y = y.data(),
                                              .u_step = kD,
                                              .delta_step = kD,
                                              .b_step = kN,
                                              .c_step = kN,
                                              .y_step = kD,
                                              .a2 = in.a2.data(),
                                              .channel_stride = 16,
                                              .d = in.d.data(),
                                              .delta_bias = in.bias.data(),
                                              .state = state.data(),
                                              .steps = Fixture::kTokens,
                                              .channels = kD,
                                              .states = kN});
  for (std::int64_t i = 0; i < Fixture::kTokens; ++i) {
    for (std::int64_t channel = 0; channel < kD; ++channel) {
      double sum = in.d[at(channel)] * in.u[at(i * kD + channel)];
      for (std::int64_t j = 0; j < Fixture::kTokens; ++j) {
        sum += attention.at(channel, i, j) * in.u[at(j * kD + channel)];
      }
      ASSERT_NEAR(y[at(i * kD + channel)], sum, 1e-6);
    }
  }
}

TEST(HiddenAttention, BackwardLooksAheadAndStopsAtSegments) {
  test::RandomTerms block({.tokens = 10, .channels = 2, .states = 3}, 5);
  const ScanTerms terms = block.terms(Direction::kBackward, 0, 10);
  const auto attention =
      hidden_attention(terms, block.constants(Direction::kBackward), 10, Direction::kBackward, Sign::kMajorant, 4);
  for (std::int64_t i = 0; i < 10; ++i) {
    for (std::int64_t j = 0; j < 10; ++j) EXPECT_EQ(attention.at(1, i, j) > 0, j >= i && i / 4 == j / 4) << i << j;
  }
  EXPECT_THROW(hidden_attention(terms, block.constants(Direction::kForward), std::int64_t{1} << 20, Direction::kForward,
                                Sign::kSigned),
               Error);
}

TEST(HiddenAttention, RawMapIsScaledByEachBlocksExtremes) {
  const HiddenAttention one{2, 2, {0, 4, 2, 0, 0, 0, 4, 1}}, other{2, 2, {1, 1, 1, 1, 1, 1, 1, 1}};
  const std::vector<HiddenAttention> blocks = {one, other};
  const std::vector<double> map = raw_attention(blocks, 1);
  EXPECT_DOUBLE_EQ(map[0], (0.5 + 1.0) / 2 / 2);
  EXPECT_DOUBLE_EQ(map[1], 0.25 / 2 / 2);
}

}  // namespace
}  // namespace histojet::explain
