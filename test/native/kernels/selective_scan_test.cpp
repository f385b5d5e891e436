#include "kernels/selective_scan/selective_scan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "available_isas.hpp"
#include "base/aligned_buffer.hpp"
#include "kernels/transpose_tile/transpose_tile.hpp"

namespace histojet::kernels {
namespace {

std::vector<float> random_floats(std::int64_t count, std::mt19937& random, float low, float high) {
  std::uniform_real_distribution<float> values(low, high);
  std::vector<float> floats(static_cast<std::size_t>(count));
  for (float& value : floats) value = values(random);
  return floats;
}

/// Inputs of `steps` steps whose rows are `row` floats apart, and a result with as many.
struct Case {
  Case(std::int64_t channels, std::int64_t states, std::int64_t steps, std::int64_t row)
      : channels(channels), states(states), steps(steps), row(row), stride((channels + 15) / 16 * 16), random(7) {
    u = random_floats(steps * row, random, -1, 1);
    delta = random_floats(steps * row, random, -3, 2);
    z = random_floats(steps * row, random, -3, 3);
    b = random_floats(steps * states, random, -1, 1);
    c = random_floats(steps * states, random, -1, 1);
    per_channel = random_floats(states * stride, random, -1, 1);
    a2 = random_floats(states * stride, random, -6, -0.1f);
    d = random_floats(channels, random, 0, 1);
    bias = random_floats(channels, random, -4, -1);
    start = random_floats(states * stride, random, -1, 1);
  }

  SelectiveScanArgs args(float* y, std::int64_t y_step, std::vector<float>& state) const {
    state = start;
    return {.u = u.data(),
            .delta = delta.data(),
            .z = z.data(),
            .b = b.data(),
            .c = c.data(),
            .y = y,
            .u_step = row,
            .delta_step = row,
            .z_step = row,
            .b_step = states,
            .c_step = states,
            .y_step = y_step,
            .a2 = a2.data(),
            .channel_stride = stride,
            .d = d.data(),
            .delta_bias = bias.data(),
            .state = state.data(),
            .steps = steps,
            .channels = channels,
            .states = states};
  }

  std::int64_t channels, states, steps, row, stride;
  std::mt19937 random;
  std::vector<float> u, delta, z, b, c, per_channel, a2, d, bias, start;
};

void expect_near(const std::vector<float>& actual, const std::vector<float>& exact, const std::string& what,
                 double relative = 1e-6) {
  double most = 0, worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    most = std::max(most, std::fabs(static_cast<double>(exact[i])));
    const double error = std::fabs(static_cast<double>(actual[i]) - exact[i]);
    if (!(error <= worst)) worst = error;
  }
  EXPECT_LE(worst, relative * most + 1e-6) << what;
}

TEST(SelectiveScanKernel, VariantsAgreeAndTouchNothingBehindTheirRows) {
  for (const std::int64_t channels : {1, 8, 9, 16, 23, 48}) {
    for (const std::int64_t states : {1, 3, 4, 8, 16, 30}) {
      const std::int64_t row = channels + 5;
      const Case test(channels, states, 75, row);
      std::vector<float> state, exact_state;
      std::vector<float> exact(static_cast<std::size_t>(75 * row), 42.0f);
      scalar::selective_scan(test.args(exact.data(), row, exact_state));
      for (const Isa isa : test::available_isas()) {
        const std::string what = std::to_string(channels) + " channels, " + std::to_string(states) + " states, " +
                                 std::string(isa_name(isa));
        std::vector<float> y(exact.size(), 42.0f);
        kSelectiveScan.pick(isa)(test.args(y.data(), row, state));
        expect_near(y, exact, what);
        for (std::size_t i = 0; i < y.size(); ++i) {
          if (static_cast<std::int64_t>(i) % row >= channels) {
            EXPECT_EQ(y[i], 42.0f) << what;
          }
        }
      }
    }
  }
}

TEST(SelectiveScanKernel, AddsWhatAnotherScanGaveBeforeTheGate) {
  const Case test(21, 5, 70, 26);
  std::vector<float> ungated(70 * 26), state;
  for (const Isa isa : test::available_isas()) {
    SelectiveScanArgs args = test.args(ungated.data(), 26, state);
    args.z = nullptr;
    kSelectiveScan.pick(isa)(args);
    std::mt19937 random(3);
    const std::vector<float> other = random_floats(70 * 26, random, -2, 2);
    std::vector<float> exact(ungated.size()), y = other;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      if (i % 26 < 21) exact[i] = (ungated[i] + other[i]) * test.z[i] / (1 + std::exp(-test.z[i]));
    }
    args = test.args(y.data(), 26, state);
    args.addend = y.data();  // in place
    args.addend_step = 26;
    kSelectiveScan.pick(isa)(args);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (i % 26 < 21) continue;
      EXPECT_EQ(y[i], other[i]);
      y[i] = 0;
    }
    expect_near(y, exact, std::string(isa_name(isa)));
  }
}

TEST(SelectiveScanKernel, TakesConstantFactorsOfEachChannel) {
  const Case test(21, 11, 50, 21);
  for (const bool b : {false, true}) {
    for (const bool c : {false, true}) {
      const auto with_constants = [&](float* y, std::vector<float>& state) {
        SelectiveScanArgs args = test.args(y, 21, state);
        args.b_per_channel = b;
        args.c_per_channel = c;
        if (b) args.b = test.per_channel.data();
        if (c) args.c = test.per_channel.data();
        return args;
      };
      std::vector<float> y(21 * 50), exact(21 * 50), state;
      scalar::selective_scan(with_constants(exact.data(), state));
      for (const Isa isa : test::available_isas()) {
        kSelectiveScan.pick(isa)(with_constants(y.data(), state));
        expect_near(y, exact, std::string(isa_name(isa)));
      }
    }
  }
}

TEST(SelectiveScanKernel, StreamsTheSameBits) {
  const Case test(48, 16, 40, 48);
  for (const Isa isa : test::available_isas()) {
    std::vector<float> state;
    const auto kept = make_aligned<float>(48 * 40), streamed = make_aligned<float>(48 * 40 + 1);
    kSelectiveScan.pick(isa)(test.args(kept.get(), 48, state));
    for (const std::int64_t off : {0, 1}) {  // the second one lies on no boundary
      SelectiveScanArgs args = test.args(streamed.get() + off, 48, state);
      args.stream = true;
      kSelectiveScan.pick(isa)(args);
      EXPECT_EQ(std::memcmp(kept.get(), streamed.get() + off, 4 * 48 * 40), 0) << isa_name(isa);
    }
  }
}

TEST(SelectiveScanKernel, TellsOfADeltaThatIsNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::int64_t at : {0, 22, 33 * 23 + 17, 74 * 23 + 22}) {
      Case test(23, 4, 75, 23);
      std::vector<float> y(23 * 75), state;
      for (const Isa isa : test::available_isas()) {
        bool broken = false;
        SelectiveScanArgs args = test.args(y.data(), 23, state);
        args.delta_broken = &broken;
        kSelectiveScan.pick(isa)(args);
        EXPECT_FALSE(broken) << isa_name(isa);
      }
      test.delta[static_cast<std::size_t>(at)] = bad;
      for (const Isa isa : test::available_isas()) {
        bool broken = false;
        SelectiveScanArgs args = test.args(y.data(), 23, state);
        args.delta_broken = &broken;
        kSelectiveScan.pick(isa)(args);
        EXPECT_TRUE(broken) << isa_name(isa) << " at " << at;
      }
    }
  }
}

// States that forget slowly add up the errors of their decays over hundreds of steps. Inputs of one sign are the worst
// case: nothing cancels.
TEST(SelectiveScanKernel, ErrorsOfDecaysCloseToOneStaySmall) {
  const std::int64_t steps = 20000;
  Case test(16, 16, steps, 16);
  for (std::size_t i = 0; i < test.a2.size(); ++i) test.a2[i] = -0.02f * static_cast<float>(i % 20 + 1);
  for (float& value : test.u) value = std::fabs(value);
  for (float& value : test.b) value = std::fabs(value);
  std::vector<double> state(test.start.begin(), test.start.end());
  std::vector<float> exact(static_cast<std::size_t>(16 * steps)), y(exact.size()), after;
  SelectiveScanArgs args = test.args(y.data(), 16, after);
  for (std::int64_t t = 0; t < steps; ++t) {
    for (std::int64_t d = 0; d < 16; ++d) {
      const auto at = static_cast<std::size_t>(t * 16 + d);
      const double raw = test.delta[at] + test.bias[static_cast<std::size_t>(d)], dt = std::log1p(std::exp(raw));
      double sum = 0;
      for (std::int64_t n = 0; n < 16; ++n) {
        double& h = state[static_cast<std::size_t>(n * 16 + d)];
        h = h * std::exp2(dt * test.a2[static_cast<std::size_t>(n * 16 + d)]) +
            dt * test.u[at] * test.b[static_cast<std::size_t>(t * 16 + n)];
        sum += h * test.c[static_cast<std::size_t>(t * 16 + n)];
      }
      exact[at] = static_cast<float>(sum + test.d[static_cast<std::size_t>(d)] * test.u[at]);
    }
  }
  for (const Isa isa : test::available_isas()) {
    args = test.args(y.data(), 16, after);
    args.z = nullptr;
    kSelectiveScan.pick(isa)(args);
    expect_near(y, exact, std::string(isa_name(isa)));
  }
}

// Products of a step with a rate that no whole number of float32 reaches exactly, beside ordinary ones.
TEST(SelectiveScanKernel, FarDecaysVanishAndLeaveTheOthersAlone) {
  const std::int64_t channels = 19, steps = 70;
  Case test(channels, 16, steps, channels);
  for (std::size_t i = 0; i < test.a2.size(); i += 5) test.a2[i] = i % 2 == 0 ? -3e7f : -1e30f;
  test.a2[3 * static_cast<std::size_t>(test.stride) + 18] = -std::numeric_limits<float>::infinity();
  test.bias[2] = 1e6f;
  std::vector<float> exact(static_cast<std::size_t>(channels * steps)), state;
  scalar::selective_scan(test.args(exact.data(), channels, state));
  for (const Isa isa : test::available_isas()) {
    std::vector<float> y(exact.size());
    kSelectiveScan.pick(isa)(test.args(y.data(), channels, state));
    expect_near(y, exact, std::string(isa_name(isa)));
  }
}

// Only some tiles of a sequence need the slower form of the decay; which ones depends on where it was cut.
TEST(SelectiveScanKernel, CutsDoNotShowBesideFarDecays) {
  const std::int64_t steps = 90;
  Case test(16, 16, steps, 16);
  for (std::size_t i = 0; i < test.a2.size(); i += 3) test.a2[i] = -2e6f;
  for (std::size_t i = 0; i < test.delta.size(); i += 16 * 37) test.delta[i] = 40;
  for (const Isa isa : test::available_isas()) {
    std::vector<float> state, whole(16 * steps), cut(whole.size());
    kSelectiveScan.pick(isa)(test.args(whole.data(), 16, state));
    SelectiveScanArgs args = test.args(cut.data(), 16, state);
    for (const std::int64_t part : {5, 32, 1, 17, 35}) {
      args.steps = part;
      kSelectiveScan.pick(isa)(args);
      args.u += part * 16, args.delta += part * 16, args.z += part * 16, args.y += part * 16;
      args.b += part * 16, args.c += part * 16;
    }
    EXPECT_EQ(std::memcmp(whole.data(), cut.data(), 4 * whole.size()), 0) << isa_name(isa);
  }
}

TEST(TransposeTileKernel, TurnsTilesOfEverySize) {
  std::mt19937 random(1);
  for (const std::int64_t rows : {1, 7, 8, 16, 17, 33}) {
    for (const std::int64_t columns : {1, 8, 15, 16, 40}) {
      const std::vector<float> in = random_floats(rows * (columns + 3), random, -1, 1);
      std::vector<float> expected(static_cast<std::size_t>(columns * (rows + 2)), 9.0f);
      scalar::transpose_tile({in.data(), expected.data(), columns + 3, rows + 2, rows, columns});
      EXPECT_EQ(expected[0], in[0]);
      for (const Isa isa : test::available_isas()) {
        std::vector<float> out(expected.size(), 9.0f);
        kTransposeTile.pick(isa)({in.data(), out.data(), columns + 3, rows + 2, rows, columns});
        EXPECT_EQ(out, expected) << isa_name(isa) << ", " << rows << " x " << columns;
      }
    }
  }
}

TEST(TransposeTileKernel, StreamsTheSameBits) {
  std::mt19937 random(2);
  const std::vector<float> in = random_floats(40 * 33, random, -1, 1);
  for (const Isa isa : test::available_isas()) {
    const auto kept = make_aligned<float>(33 * 48 + 1), streamed = make_aligned<float>(33 * 48 + 1);
    for (const std::int64_t off : {0, 1}) {  // the second one lies on no boundary
      std::memset(kept.get(), 0, 4 * (33 * 48 + 1));
      std::memset(streamed.get(), 0, 4 * (33 * 48 + 1));
      kTransposeTile.pick(isa)({in.data(), kept.get() + off, 33, 48, 40, 33});
      kTransposeTile.pick(isa)({in.data(), streamed.get() + off, 33, 48, 40, 33, true});
      EXPECT_EQ(std::memcmp(kept.get(), streamed.get(), 4 * (33 * 48 + 1)), 0) << isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
