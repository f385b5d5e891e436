#include <gtest/gtest.h>

#include <cmath>

#include "engine/run_graph.hpp"
#include "fixtures.hpp"
#include "models/formula_dict.hpp"
#include "models/nuclei_network.hpp"

using namespace histojet;
using namespace histojet::models;
using histojet::test::GraphRun;

namespace {

Image image_of(const Tensor& bytes) {
  Image image(bytes.shape().at(1), bytes.shape().at(0), static_cast<int>(bytes.shape().at(2)));
  std::copy_n(bytes.bytes(), image.data.size(), image.data.begin());
  return image;
}

/// Largest difference as a share of the largest expected magnitude.
double relative_error(std::span<const float> expected, const std::vector<float>& actual) {
  EXPECT_EQ(expected.size(), actual.size());
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    difference = std::max(difference, std::fabs(static_cast<double>(expected[i]) - actual[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(expected[i])));
  }
  return difference / largest;
}

engine::Graph graph_of(const std::shared_ptr<const weights::StateDict>& dict) {
  const weights::WeightScope root = hoverfast_root(dict);
  return build_hoverfast(root, hoverfast_config(root, dict->metadata()));
}

void expect_parity(const engine::Graph& graph, const weights::StateDict& expected, const std::string& prefix, Isa isa) {
  SCOPED_TRACE(prefix + " " + std::string(isa_name(isa)));
  const Image image = image_of(expected.get(prefix + "input_u8"));
  GraphRun run{.taps = {"logits"}, .isa = isa};
  const auto results = run(graph, image);
  const double logits_error = relative_error(expected.get(prefix + "logits").values<float>(), results.at("logits"));
  const double maps_error = relative_error(expected.get(prefix + "maps").values<float>(), results.at("hv"));
  EXPECT_LT(logits_error, 1e-5);
  EXPECT_LT(maps_error, 1e-5);
  const std::vector<float>& np = results.at("np");
  const std::vector<float>& logits = results.at("logits");
  for (std::size_t i = 0; i < np.size(); ++i) {
    const double difference = static_cast<double>(logits[np.size() + i]) - logits[i];
    ASSERT_NEAR(np[i], 1.0 / (1.0 + std::exp(-difference)), 1e-6);
    ASSERT_EQ(np[i] > 0.5f, difference > 0.0) << i;
  }
}

struct Closeness {
  double error = 0;      ///< relative, L2
  double agreement = 1;  ///< share of pixels on the same side of the decision
};

Closeness closeness(std::span<const float> expected, const std::vector<float>& actual) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(expected[i]) - actual[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  const std::size_t pixels = expected.size() / 2;
  std::size_t same = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    same += (expected[pixels + i] > expected[i]) == (actual[pixels + i] > actual[i]);
  }
  return {std::sqrt(difference / size), static_cast<double>(same) / static_cast<double>(pixels)};
}

/// The bounds that `high` and `fast` promise.
void expect_precision(const engine::Graph& graph, const weights::StateDict& expected, const std::string& prefix,
                      Precision precision, bool emulated) {
  SCOPED_TRACE(prefix + " " + std::string(precision_name(precision)) + (emulated ? " emulated" : ""));
  const bool high = precision == Precision::kHigh;
  const Image image = image_of(expected.get(prefix + "input_u8"));
  const GraphRun run{.taps = {"logits"},
                     .isa = emulated ? std::min(active_isa(), Isa::kAvx512) : active_isa(),
                     .precision = precision,
                     .emulate_tiles = emulated};
  const auto results = run(graph, image);
  const Closeness logits = closeness(expected.get(prefix + "logits").values<float>(), results.at("logits"));
  const Closeness maps = closeness(expected.get(prefix + "maps").values<float>(), results.at("hv"));
  EXPECT_LT(logits.error, high ? 1e-4 : 3e-2);
  EXPECT_LT(maps.error, high ? 1e-4 : 3e-2);
  EXPECT_GE(logits.agreement, high ? 0.999 : 0.99);
}

class HoverFastSmall : public testing::TestWithParam<std::string> {};

}  // namespace

TEST_P(HoverFastSmall, MatchesTheReferenceOnEvenAndOddSizes) {
  const std::string base = test::own_fixture("hover/hoverfast_small_" + GetParam());
  const auto dict = weights::StateDict::open(base + ".safetensors");
  const auto expected = weights::StateDict::open(base + "_expected.safetensors");
  const engine::Graph graph = graph_of(dict);
  for (const Isa isa : test::available_isas()) {
    expect_parity(graph, *expected, "even.", isa);
    expect_parity(graph, *expected, "odd.", isa);
  }
}

TEST_P(HoverFastSmall, HighAndFastStayWithinTheirBounds) {
  const std::string base = test::own_fixture("hover/hoverfast_small_" + GetParam());
  const engine::Graph graph = graph_of(weights::StateDict::open(base + ".safetensors"));
  const auto expected = weights::StateDict::open(base + "_expected.safetensors");
  for (const Precision precision : {Precision::kHigh, Precision::kFast}) {
    expect_precision(graph, *expected, "odd.", precision, true);
    if (engine::offered_precision(precision, active_isa()) != precision) continue;
    for (const std::string prefix : {"even.", "odd."}) expect_precision(graph, *expected, prefix, precision, false);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, HoverFastSmall, testing::Values("a", "b", "c"));

TEST(HoverFastFormula, PublishedConfigurationMatchesTheReference) {
  const auto expected =
      weights::StateDict::open(test::own_fixture("hover/hoverfast_full_formula_expected.safetensors"));
  const engine::Graph graph = graph_of(test::formula_dict({}));
  EXPECT_EQ(graph.parameter_count(), 947732);
  for (const Isa isa : test::available_isas()) {
    if (isa != Isa::kScalar) expect_parity(graph, *expected, "", isa);
  }
}

TEST(HoverFastFormula, HighAndFastStayWithinTheirBounds) {
  if (active_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "skipped: float32 only (the small networks run on an emulation)";
  const auto expected =
      weights::StateDict::open(test::own_fixture("hover/hoverfast_full_formula_expected.safetensors"));
  const engine::Graph graph = graph_of(test::formula_dict({}));
  for (const Precision precision : {Precision::kHigh, Precision::kFast}) {
    if (engine::offered_precision(precision, active_isa()) != precision) continue;
    expect_precision(graph, *expected, "", precision, false);
  }
}
