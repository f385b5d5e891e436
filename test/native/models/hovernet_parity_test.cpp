#include <gtest/gtest.h>

#include <cmath>

#include "base/json_reader.hpp"
#include "engine/run_graph.hpp"
#include "fixtures.hpp"
#include "models/formula_hovernet.hpp"
#include "npz.hpp"
#include "png_rgb.hpp"

using namespace histojet;
using namespace histojet::models;
using histojet::test::GraphRun;

namespace {

/// Values of a network after one stage, as the reference recorded them.
struct Stage {
  double mean = 0;
  double deviation = 0;
  std::vector<double> first;
  std::vector<double> last;
};

/// One input with the reference's raw outputs, of which every `stride`-th pixel was kept.
struct Case {
  std::string tag;
  bool original = false;
  std::int64_t nr_types = 0;
  std::int64_t stride = 1;
  Image image;
  std::map<std::string, std::vector<float>> expected;  ///< "np", "hv", "tp": [channels, height, width]
  double reference_error = 0;                          ///< of PyTorch's float32; 0 where nobody measured it
  std::map<std::string, Stage> stages;
};

double largest(const std::vector<float>& values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::fabs(static_cast<double>(value)));
  return most;
}

/// The pixels that were kept of [channels, side, side].
std::vector<float> every(const std::vector<float>& planes, std::int64_t side, std::int64_t stride) {
  if (stride == 1) return planes;
  std::vector<float> kept;
  const auto channels = static_cast<std::int64_t>(planes.size()) / (side * side);
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t y = 0; y < side; y += stride) {
      for (std::int64_t x = 0; x < side; x += stride) {
        kept.push_back(planes[static_cast<std::size_t>((c * side + y) * side + x)]);
      }
    }
  }
  return kept;
}

/// Recorded in double precision: four times what the reference's own float32 is off. Recorded in float32: 1e-4.
double tolerance(const Case& given, const std::vector<float>& expected) {
  return given.reference_error > 0 ? std::max(4 * given.reference_error, 2e-6 * largest(expected)) : 1e-4;
}

void expect_head(const Case& given, const std::string& name, const std::vector<float>& actual) {
  const std::vector<float>& expected = given.expected.at(name);
  ASSERT_EQ(actual.size(), expected.size()) << name;
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    worst = std::max(worst, std::fabs(static_cast<double>(actual[i]) - expected[i]));
  }
  testing::Test::RecordProperty(given.tag + "." + name, std::to_string(worst));
  EXPECT_LE(worst, tolerance(given, expected)) << name;
}

/// The maps that callers see, from the reference's raw values.
void expect_maps(const Case& given, const std::map<std::string, std::vector<float>>& results, std::int64_t side) {
  const std::vector<float> np = every(results.at("np"), side, given.stride);
  const std::vector<float>& logits = given.expected.at("np");
  ASSERT_EQ(2 * np.size(), logits.size());
  for (std::size_t i = 0; i < np.size(); ++i) {
    const double difference = static_cast<double>(logits[np.size() + i]) - logits[i];
    ASSERT_NEAR(np[i], 1 / (1 + std::exp(-difference)), 1e-4);
  }
  EXPECT_EQ(results.contains("tp"), given.nr_types > 0);
  if (given.nr_types == 0) return;
  const std::vector<float> tp = every(results.at("tp"), side, given.stride);
  const std::vector<float>& scores = given.expected.at("tp");
  ASSERT_EQ(tp.size() * static_cast<std::size_t>(given.nr_types), scores.size());
  for (std::size_t i = 0; i < tp.size(); ++i) {
    const auto score = [&](std::size_t c) { return scores[c * tp.size() + i]; };
    std::size_t best = 0;
    for (std::size_t c = 1; c < static_cast<std::size_t>(given.nr_types); ++c) best = score(c) > score(best) ? c : best;
    ASSERT_GE(score(static_cast<std::size_t>(tp[i])), score(best) - 2 * tolerance(given, scores)) << i;
  }
}

void expect_stage(const std::string& name, const Stage& expected, const std::vector<float>& values) {
  SCOPED_TRACE(name);
  double sum = 0;
  for (const float value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  const double close = 1e-4 * expected.deviation;
  EXPECT_NEAR(mean, expected.mean, close);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), expected.deviation, close);
  for (std::size_t i = 0; i < expected.first.size(); ++i) {
    EXPECT_NEAR(values.at(i), expected.first[i], close);
    EXPECT_NEAR(values.at(values.size() - expected.last.size() + i), expected.last[i], close);
  }
}

void expect_parity(const Case& given, Isa isa) {
  SCOPED_TRACE(given.tag + " " + std::string(isa_name(isa)));
  const auto dict = test::hovernet_dict(given.original, given.nr_types, test::Values::kFormula);
  const weights::WeightScope root = hovernet_root(dict);
  const HoverNetConfig config = hovernet_config(root, {});
  ASSERT_EQ(config.nr_types, given.nr_types);
  GraphRun run{.isa = isa, .threads = 0};
  for (const auto& [name, stage] : given.stages) run.taps.push_back(name);
  for (const auto& [name, values] : given.expected) {
    if (name != "hv") run.taps.push_back("decoder." + name + ".u0");
  }
  const auto results = run(build_hovernet(root, config), given.image);
  const std::int64_t side = given.image.width - 2 * config.output_margin_px();
  for (const auto& [name, values] : given.expected) {
    const std::string output = name == "hv" ? name : "decoder." + name + ".u0";
    expect_head(given, name, every(results.at(output), side, given.stride));
  }
  expect_maps(given, results, side);
  for (const auto& [name, stage] : given.stages) expect_stage(name, stage, results.at(name));
}

std::vector<double> read_numbers(JsonReader& json) {
  std::vector<double> values;
  json.begin_array("values");
  while (json.next_element()) values.push_back(json.number("value"));
  return values;
}

Stage read_stage(JsonReader& json) {
  Stage stage;
  std::string key;
  json.begin_object("stage");
  while (json.next_member(key)) {
    if (key == "mean") {
      stage.mean = json.number(key);
    } else if (key == "std") {
      stage.deviation = json.number(key);
    } else if (key == "first") {
      stage.first = read_numbers(json);
    } else if (key == "last") {
      stage.last = read_numbers(json);
    } else {
      json.skip();
    }
  }
  return stage;
}

/// What networks.json says about the case, the picture included.
void read_setup(JsonReader& json, Case& given) {
  std::int64_t x = 0, y = 0, size = 0;
  std::string key, picture;
  json.begin_object("setup");
  while (json.next_member(key)) {
    if (key == "mode") {
      given.original = json.string(key) == "original";
    } else if (key == "image") {
      picture = json.string(key);
    } else if (key == "out_shape" || json.peek() == JsonReader::Kind::kNull) {
      json.skip();
    } else {
      const auto value = static_cast<std::int64_t>(json.unsigned_integer(key));
      (key == "x"          ? x
       : key == "y"        ? y
       : key == "size"     ? size
       : key == "nr_types" ? given.nr_types
                           : given.stride) = value;
    }
  }
  const Image whole = test::read_rgb_png(test::shared_fixture("hover/" + picture));
  given.image = Image(size, size, 3);
  for (std::int64_t row = 0; row < size; ++row) {
    for (std::int64_t column = 0; column < size; ++column) {
      std::copy_n(whole.row(y + row) + whole.channels * (x + column), 3, given.image.row(row) + 3 * column);
    }
  }
}

Case shared_case(const std::string& tag) {
  Case given{.tag = tag};
  const auto bytes = test::read_bytes(test::shared_fixture("hover/networks.json"));
  JsonReader json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "networks.json", 0);
  json.begin_object("networks");
  std::string key;
  while (json.next_member(key)) {
    if (key == tag + ".setup") {
      read_setup(json, given);
    } else if (key == tag + ".max_abs_diff_fp32") {
      given.reference_error = json.number(key);
    } else if (key == tag + ".stages_fp32") {
      json.begin_object("stages");
      while (json.next_member(key)) given.stages[key] = read_stage(json);
    } else {
      json.skip();
    }
  }
  for (const auto& [name, array] : test::read_npz(test::shared_fixture("hover/hovernet_formula.npz"))) {
    if (name.starts_with(tag + ".")) given.expected[name.substr(tag.size() + 1)] = array.as<float>();
  }
  return given;
}

Case own_case(const std::string& tag, bool original) {
  const auto file = weights::StateDict::open(test::own_fixture("hover/hovernet_formula_expected.safetensors"));
  const Tensor input = file->get(tag + ".input_u8");
  Case given{.tag = tag, .original = original, .nr_types = file->entry(tag + ".tp").shape[0]};
  given.image = Image(input.shape()[1], input.shape()[0], 3);
  std::copy_n(input.bytes(), given.image.data.size(), given.image.data.begin());
  given.reference_error = std::stod(file->metadata().at(tag + ".max_abs_diff_fp32"));
  for (const char* name : {"np", "hv", "tp"}) {
    const Tensor values = file->get(tag + "." + name);
    given.expected[name].assign(values.values<float>().begin(), values.values<float>().end());
  }
  return given;
}

/// Distance of `actual` from `expected` as a share of its length.
double relative_distance(const std::vector<float>& actual, const std::vector<float>& expected) {
  double squares = 0, distances = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    squares += static_cast<double>(expected[i]) * expected[i];
    distances += (static_cast<double>(actual[i]) - expected[i]) * (static_cast<double>(actual[i]) - expected[i]);
  }
  return std::sqrt(distances / squares);
}

/// Shares of pixels on the reference's side of one half, and of its class.
struct Agreement {
  double nucleus = 0;
  double type = 0;
};

Agreement agreement(const Case& given, const Maps& maps) {
  const std::vector<float>& logits = given.expected.at("np");
  const std::vector<float>& scores = given.expected.at("tp");
  const std::size_t pixels = maps.np.size();
  Agreement equal;
  for (std::size_t i = 0; i < pixels; ++i) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < static_cast<std::size_t>(given.nr_types); ++c) {
      if (scores[c * pixels + i] > scores[best * pixels + i]) best = c;
    }
    equal.nucleus += (maps.np[i] > 0.5f) == (logits[pixels + i] > logits[i]);
    equal.type += maps.tp[i] == best;
  }
  return {equal.nucleus / static_cast<double>(pixels), equal.type / static_cast<double>(pixels)};
}

class HoverNetFormula : public testing::TestWithParam<std::string> {};

}  // namespace

TEST(HoverNet, BothModesMatchTheReference) {
  expect_parity(own_case("fast6_136", false), active_isa());
  expect_parity(own_case("original5_206", true), active_isa());
}

TEST(HoverNet, MatchesTheReferenceWithNarrowVectors) {
  if (detected_isa() < Isa::kAvx2) GTEST_SKIP() << "skipped: no AVX2";
  expect_parity(own_case("fast6_136", false), Isa::kAvx2);
}

TEST(HoverNet, LowerPrecisionsStayCloseAndThreadsDoNotMatter) {
  const Case given = own_case("fast6_136", false);
  const auto dict = test::hovernet_dict(given.original, given.nr_types, test::Values::kFormula);
  const auto expect_close = [&](Precision precision, double distance, const Agreement& shares) {
    SCOPED_TRACE(precision_name(precision));
    const auto network = load_hovernet(dict, {.precision = precision});
    Maps maps;
    network->predict(*network->make_session(given.image.height, given.image.width), given.image, maps, 0, {});
    EXPECT_EQ(maps.height, 44);
    EXPECT_EQ(maps.width, 44);
    ASSERT_EQ(maps.np.size(), 44U * 44U);
    ASSERT_EQ(maps.tp.size(), 44U * 44U);
    EXPECT_LE(relative_distance(maps.hv, given.expected.at("hv")), distance);
    const Agreement found = agreement(given, maps);
    EXPECT_GE(found.nucleus, shares.nucleus);
    EXPECT_GE(found.type, shares.type);
    Maps again;
    network->predict(*network->make_session(given.image.height, given.image.width), given.image, again, 1, {});
    EXPECT_EQ(again.np, maps.np);
    EXPECT_EQ(again.hv, maps.hv);
    EXPECT_EQ(again.tp, maps.tp);
  };
  expect_close(Precision::kHigh, 1e-4, {0.999, 0.999});
  // With computed weights two of the classes lie 0.12 apart, a sixth of their spread over the picture.
  expect_close(Precision::kFast, 3e-2, {0.99, 0.95});
}

TEST_P(HoverNetFormula, MatchesTheReferenceStageByStage) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  expect_parity(shared_case(GetParam()), active_isa());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, HoverNetFormula,
                         testing::Values("fast0_136", "original5_206", "fast6_256", "original5_270"),
                         [](const auto& param) { return param.param; });
