#include <gtest/gtest.h>

#include "engine/run_graph.hpp"
#include "engine/small_graph.hpp"

using namespace histojet;
using engine::Precision;
using histojet::test::GraphRun;
using histojet::test::noise_image;
using histojet::test::relative_error;

namespace {

const std::vector<std::pair<std::string, engine::Graph>>& graphs() {
  static const std::vector<std::pair<std::string, engine::Graph>> all = {{"two levels", test::two_level_graph()},
                                                                         {"residual", test::residual_graph()}};
  return all;
}

}  // namespace

TEST(Precision, ErrorsAreThoseOfTheNumberFormats) {
  for (const auto& [name, graph] : graphs()) {
    const Image image = noise_image(44, 36);
    const auto expected = GraphRun{}(graph, image);
    for (const auto& [precision, bound] : {std::pair{Precision::kHigh, 5e-5}, {Precision::kFast, 2e-2}}) {
      const auto results = GraphRun{.precision = precision, .emulate_tiles = true}(graph, image);
      for (const std::string output : {"np", "hv"}) {
        const double error = relative_error(results.at(output), expected.at(output));
        EXPECT_LT(error, bound) << name << " " << output;
        EXPECT_GT(error, bound / 1000) << name << " " << output << ": this was not computed in "
                                       << precision_name(precision);
      }
    }
  }
}

TEST(Precision, TileRegistersGiveTheBitsOfTheEmulation) {
  if (detected_isa() < Isa::kAmx) GTEST_SKIP() << "skipped: no AMX";
  // The other graph resizes bilinearly, where the scalar reference has no fused multiply-add.
  const engine::Graph graph = test::residual_graph();
  const Image image = noise_image(44, 36);
  for (const Precision precision : {Precision::kHigh, Precision::kFast}) {
    const auto tiles = GraphRun{.isa = Isa::kAmx, .precision = precision}(graph, image);
    const auto emulated = GraphRun{.isa = Isa::kScalar, .precision = precision, .emulate_tiles = true}(graph, image);
    EXPECT_EQ(tiles.at("hv"), emulated.at("hv")) << precision_name(precision);
    EXPECT_EQ(tiles.at("tp"), emulated.at("tp")) << precision_name(precision);
  }
}

TEST(Precision, PairProductsHaveTheErrorOfTheNumberFormat) {
  if (detected_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "skipped: no fast products of bfloat16 pairs";
  for (const auto& [name, graph] : graphs()) {
    for (const auto& [width, height] : {std::pair{44, 36}, {132, 20}}) {
      const Image image = noise_image(width, height);
      const auto expected = GraphRun{}(graph, image);
      const auto results = GraphRun{.isa = Isa::kAvx512Bf16, .precision = Precision::kFast}(graph, image);
      for (const std::string output : {"np", "hv"}) {
        const double error = relative_error(results.at(output), expected.at(output));
        EXPECT_LT(error, 2e-2) << name << " " << output;
        EXPECT_GT(error, 2e-5) << name << " " << output << ": this was computed in float32";
      }
    }
  }
}

TEST(Precision, ResultsDoNotDependOnThreadsOrChains) {
  if (detected_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "skipped: neither AMX nor fast products of bfloat16 pairs";
  for (const auto& [name, graph] : graphs()) {
    for (const auto& [width, height] : {std::pair{100, 60}, {64, 64}, {132, 36}}) {
      const Image image = noise_image(width, height);
      for (const auto& [isa, precision] : {std::pair{Isa::kAmx, Precision::kHigh},
                                           {Isa::kAmx, Precision::kFast},
                                           {Isa::kAvx512Bf16, Precision::kFast}}) {
        if (isa > detected_isa()) continue;
        const auto expected = GraphRun{.isa = isa, .cache_bytes = 1, .precision = precision}(graph, image);
        for (const int threads : {1, 2, 3}) {
          for (const int cache_bytes : {30'000, 1 << 30}) {
            const GraphRun run{.isa = isa, .threads = threads, .cache_bytes = cache_bytes, .precision = precision};
            EXPECT_EQ(run(graph, image), expected)
                << name << " " << width << " x " << height << " " << cache_bytes << " " << isa_name(isa);
          }
        }
      }
    }
  }
}

TEST(Precision, OddSidesAndNarrowPicturesWork) {
  const engine::Graph graph = test::two_level_graph();
  for (const auto& [width, height] : {std::pair{37, 5}, {3, 9}, {2, 2}, {131, 3}}) {
    const Image image = noise_image(width, height);
    const auto expected = GraphRun{}(graph, image);
    for (const bool emulated : {false, true}) {
      const GraphRun run{
          .isa = emulated ? Isa::kScalar : active_isa(), .precision = Precision::kHigh, .emulate_tiles = emulated};
      const auto results = run(graph, image);
      for (const auto& [output, values] : expected) EXPECT_LT(relative_error(results.at(output), values), 1e-4);
    }
    const auto fast = GraphRun{.precision = Precision::kFast}(graph, image);
    for (const auto& [output, values] : expected) EXPECT_LT(relative_error(fast.at(output), values), 3e-2);
  }
}

TEST(Precision, WhatTheInstructionsDoNotOfferIsFloat32) {
  for (const auto& [isa, high, fast] : {std::tuple{Isa::kScalar, Precision::kFloat32, Precision::kFloat32},
                                        {Isa::kAvx512, Precision::kFloat32, Precision::kFloat32},
                                        {Isa::kAvx512Bf16, Precision::kFloat32, Precision::kFast},
                                        {Isa::kAmx, Precision::kHigh, Precision::kFast}}) {
    EXPECT_EQ(engine::offered_precision(Precision::kFloat32, isa), Precision::kFloat32);
    EXPECT_EQ(engine::offered_precision(Precision::kHigh, isa), high) << isa_name(isa);
    EXPECT_EQ(engine::offered_precision(Precision::kFast, isa), fast) << isa_name(isa);
  }
  const auto program = engine::Program::compile(
      test::two_level_graph(), {.isa = std::min(active_isa(), Isa::kAvx512), .precision = Precision::kFast});
  EXPECT_EQ(program->precision(), Precision::kFloat32);
}
