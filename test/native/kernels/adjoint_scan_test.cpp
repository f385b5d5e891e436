#include "kernels/adjoint_scan/adjoint_scan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_row.hpp"

namespace histojet::kernels {
namespace {

using test::available_isas;
using test::Noise;

using Values = std::vector<float>;

struct Case {
  std::int64_t steps;
  std::int64_t channels;
  std::int64_t states;
  bool softplus = true;
  bool importance = true;  ///< and values and a skip

  std::int64_t stride() const { return (channels + 15) / 16 * 16; }
  std::int64_t delta_step() const { return channels + 3; }
};

/// Random inputs of a case, in the order of the scan; what no kernel may read is NaN.
struct Inputs {
  Case size;
  Values delta, b, c, weight, importance, value, a2, bias, d;

  explicit Inputs(const Case& given) : size(given) {
    Noise noise(static_cast<std::uint32_t>(given.steps * 131 + given.channels * 7 + given.states));
    delta = Values(at(size.steps * size.delta_step()), std::nanf(""));
    for (std::int64_t t = 0; t < size.steps; ++t) {
      for (std::int64_t d = 0; d < size.channels; ++d) {
        delta[at(t * size.delta_step() + d)] = size.softplus ? noise.next() : 0.5F + 0.4F * noise.next();
      }
    }
    b = noise.vector(size.steps * size.states);
    c = noise.vector(size.steps * size.states);
    weight = noise.vector(size.steps);
    importance = noise.vector(size.steps * size.channels);
    value = noise.vector(size.steps * size.channels);
    bias = noise.vector(size.channels);
    d = noise.vector(size.channels);
    // Without softplus dt must stay positive, or nothing decays.
    for (float& value : bias) value *= size.softplus ? 1.0F : 0.05F;
    a2 = Values(at(size.states * size.stride()), 0.0F);
    for (std::int64_t n = 0; n < size.states; ++n) {
      for (std::int64_t d = 0; d < size.channels; ++d) a2[at(n * size.stride() + d)] = -1.0F - 0.9F * noise.next();
    }
  }
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  double dt(std::int64_t t, std::int64_t d) const {
    const double raw = static_cast<double>(delta[at(t * size.delta_step() + d)]) + bias[at(d)];
    return size.softplus ? std::log1p(std::exp(raw)) : raw;
  }
  double alpha(std::int64_t i, std::int64_t j, std::int64_t d) const {
    double time = 0, sum = 0;
    for (std::int64_t k = j + 1; k <= i; ++k) time += dt(k, d);
    for (std::int64_t n = 0; n < size.states; ++n) {
      sum += static_cast<double>(c[at(i * size.states + n)]) * b[at(j * size.states + n)] *
             std::exp2(time * a2[at(n * size.stride() + d)]);
    }
    return sum * dt(j, d);
  }
  double column(std::int64_t j, std::int64_t channel) const {
    double sum = 0;
    for (std::int64_t i = j; i < size.steps; ++i) {
      const double factor = size.importance ? importance[at(i * size.channels + channel)] : 1;
      const double skip = size.importance && i == j ? d[at(channel)] : 0;
      sum += weight[at(i)] * factor * (alpha(i, j, channel) + skip);
    }
    return size.importance ? sum * value[at(j * size.channels + channel)] : sum;
  }
};

struct Result {
  Values sum;
  Values columns;
  bool operator==(const Result&) const = default;
};

/// All steps against their order, `run` at a time.
Result adjoint(const Inputs& in, Isa isa, std::int64_t run) {
  const Case& size = in.size;
  Result result{Values(in.weight.size()), Values(Inputs::at(size.steps * size.channels))};
  Values state(in.a2.size());
  for (std::int64_t end = size.steps; end > 0; end -= run) {
    const std::int64_t last = end - 1;
    kAdjointScan.pick(isa)({.delta = in.delta.data() + last * size.delta_step(),
                            .b = in.b.data() + last * size.states,
                            .c = in.c.data() + last * size.states,
                            .weight = in.weight.data() + last,
                            .delta_step = -size.delta_step(),
                            .b_step = -size.states,
                            .c_step = -size.states,
                            .weight_step = -1,
                            .importance = size.importance ? in.importance.data() + last * size.channels : nullptr,
                            .importance_step = -size.channels,
                            .value = size.importance ? in.value.data() + last * size.channels : nullptr,
                            .value_step = -size.channels,
                            .a2 = in.a2.data(),
                            .channel_stride = size.stride(),
                            .delta_bias = in.bias.data(),
                            .d = size.importance ? in.d.data() : nullptr,
                            .state = state.data(),
                            .sum = result.sum.data() + last,
                            .sum_step = -1,
                            .columns = result.columns.data() + last * size.channels,
                            .columns_step = -size.channels,
                            .steps = std::min(run, end),
                            .channels = size.channels,
                            .states = size.states,
                            .delta_softplus = size.softplus});
  }
  return result;
}

constexpr Case kCases[] = {{1, 1, 1},
                           {5, 3, 2},
                           {37, 16, 16},
                           {70, 21, 5, true, false},
                           {33, 8, 4, false},
                           {40, 35, 17},
                           {64, 48, 8, false, false},
                           {19, 7, 31}};

TEST(AdjointScan, ColumnsAreThoseOfTheMatrix) {
  for (const Case& size : kCases) {
    const Inputs in(size);
    double most = 0;
    std::vector<double> wanted(Inputs::at(size.steps * size.channels)), sums(Inputs::at(size.steps));
    for (std::int64_t j = 0; j < size.steps; ++j) {
      for (std::int64_t d = 0; d < size.channels; ++d) {
        const double value = in.column(j, d);
        wanted[Inputs::at(j * size.channels + d)] = value;
        sums[Inputs::at(j)] += value;
        most = std::max(most, std::fabs(value));
      }
    }
    for (const Isa isa : available_isas()) {
      const Result found = adjoint(in, isa, size.steps);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_NEAR(found.columns[i], wanted[i], 1e-6 * most + 1e-6) << isa_name(isa) << " " << size.steps << " " << i;
      }
      const double tolerance = (1e-6 * most + 1e-6) * std::sqrt(static_cast<double>(size.channels));
      for (std::size_t j = 0; j < sums.size(); ++j) ASSERT_NEAR(found.sum[j], sums[j], tolerance) << isa_name(isa);
    }
  }
}

TEST(AdjointScan, AnySplitGivesTheSameBits) {
  for (const Case& size : kCases) {
    const Inputs in(size);
    for (const Isa isa : available_isas()) {
      const Result whole = adjoint(in, isa, size.steps);
      for (const std::int64_t run : {1, 7, 32, 45}) EXPECT_EQ(adjoint(in, isa, run), whole) << isa_name(isa) << run;
    }
  }
}

TEST(AdjointScan, LongSequencesOfWeakDecayStayExact) {
  // With A close to 0 nothing is forgotten: column j is dt_j b_j times the sum of the weights from j on.
  Case size{4096, 16, 1, false, false};
  Inputs in(size);
  for (float& a : in.a2) a = -1e-9F;
  for (float& c : in.c) c = 1.0F;
  for (float& w : in.weight) w = 1.0F;
  for (const Isa isa : available_isas()) {
    const Result found = adjoint(in, isa, size.steps);
    for (const std::int64_t j : {0, 1000, 4095}) {
      const double wanted = in.dt(j, 3) * in.b[Inputs::at(j)] * static_cast<double>(size.steps - j);
      EXPECT_NEAR(found.columns[Inputs::at(j * 16 + 3)], wanted, 2e-5 * std::fabs(wanted)) << isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
