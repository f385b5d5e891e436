#include <gtest/gtest.h>

#include <algorithm>

#include "engine/run_graph.hpp"
#include "engine/small_graph.hpp"

using namespace histojet;
using histojet::test::DenseMap;
using histojet::test::GraphMaker;
using histojet::test::GraphRun;
using histojet::test::Noise;
using histojet::test::noise_image;

namespace {

double at(const std::vector<double>& map, std::int64_t side, std::int64_t c, std::int64_t y, std::int64_t x) {
  return map[static_cast<std::size_t>((c * side + y) * side + x)];
}

}  // namespace

// A small network by hand: conv (stride 2, padding after only) in groups, its batch norm and ReLU twice read, the sum
// of an enlarged and a cropped map.
TEST(Residual, AgreesWithAPlainRestatement) {
  constexpr std::int64_t kSide = 12;
  constexpr std::int64_t kHalf = 6;
  GraphMaker make(3);
  engine::Graph graph;
  const Tensor first = make.tensor({8, 3, 1, 1});
  const Tensor grouped = make.tensor({8, 2, 3, 3});
  const engine::Value image = graph.image();
  const engine::Value wide = graph.conv2d("first", image, first, Tensor(), {});
  const engine::Value half =
      graph.conv2d("grouped", wide, grouped, Tensor(), {.stride = 2, .pad_after = 1, .groups = 4});
  const Tensor gamma = make.tensor({8}, 0.2f, 1.0f), beta = make.tensor({8}), mean = make.tensor({8}),
               variance = make.tensor({8}, 0.2f, 1.0f);
  const engine::Value active = graph.relu(graph.batch_norm("norm", half, gamma, beta, mean, variance, 1e-5));
  graph.output_planar("half", half);
  graph.output_planar("sum", graph.add(graph.upsample_nearest2x(active), wide));

  const Image rgb = noise_image(kSide, kSide, 9);
  std::vector<double> expected_wide(8 * kSide * kSide), expected_half(8 * kHalf * kHalf),
      expected_sum(8 * kSide * kSide);
  for (std::int64_t n = 0; n < 8; ++n) {
    for (std::int64_t i = 0; i < kSide * kSide; ++i) {
      for (std::int64_t c = 0; c < 3; ++c) {
        expected_wide[static_cast<std::size_t>(n * kSide * kSide + i)] +=
            rgb.data[static_cast<std::size_t>(3 * i + c)] / 255.0 *
            first.values<float>()[static_cast<std::size_t>(3 * n + c)];
      }
    }
  }
  for (std::int64_t n = 0; n < 8; ++n) {
    for (std::int64_t y = 0; y < kHalf; ++y) {
      for (std::int64_t x = 0; x < kHalf; ++x) {
        double sum = 0;
        for (std::int64_t c = 0; c < 2; ++c) {
          for (std::int64_t tap = 0; tap < 9; ++tap) {
            const std::int64_t row = 2 * y + tap / 3, column = 2 * x + tap % 3;
            if (row >= kSide || column >= kSide) continue;
            sum += grouped.values<float>()[static_cast<std::size_t>((n * 2 + c) * 9 + tap)] *
                   at(expected_wide, kSide, n / 2 * 2 + c, row, column);
          }
        }
        expected_half[static_cast<std::size_t>((n * kHalf + y) * kHalf + x)] = sum;
      }
    }
    const auto i = static_cast<std::size_t>(n);
    const double scale = gamma.values<float>()[i] / std::sqrt(variance.values<float>()[i] + 1e-5);
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        const double normed =
            (at(expected_half, kHalf, n, y / 2, x / 2) - mean.values<float>()[i]) * scale + beta.values<float>()[i];
        expected_sum[static_cast<std::size_t>((n * kSide + y) * kSide + x)] =
            std::max(normed, 0.0) + at(expected_wide, kSide, n, y, x);
      }
    }
  }
  for (const Isa isa : test::available_isas()) {
    const auto results = GraphRun{.isa = isa}(graph, rgb);
    for (std::size_t i = 0; i < expected_half.size(); ++i) ASSERT_NEAR(results.at("half")[i], expected_half[i], 1e-5);
    for (std::size_t i = 0; i < expected_sum.size(); ++i) ASSERT_NEAR(results.at("sum")[i], expected_sum[i], 1e-5);
  }
}

TEST(Residual, ResultsDoNotDependOnThreadsOrChains) {
  const engine::Graph graph = test::residual_graph();
  for (const auto& [width, height] : {std::pair{100, 60}, {64, 64}}) {
    const Image image = noise_image(width, height);
    const auto expected = GraphRun{.taps = {"sum"}, .cache_bytes = 1}(graph, image);
    EXPECT_EQ(expected.at("np").size(), static_cast<std::size_t>((width - 6) * (height - 6)));
    for (const int threads : {1, 2, 5}) {
      for (const int cache_bytes : {40'000, 1 << 30}) {
        EXPECT_EQ((GraphRun{.taps = {"sum"}, .threads = threads, .cache_bytes = cache_bytes}(graph, image)), expected);
      }
    }
  }
}

// The first unit of a residual stage: its strided shortcut is convolved together with the unit. A tap on the shortcut
// keeps it apart, which gives the expected values.
TEST(Residual, AShortcutIsConvolvedTogetherWithItsUnit) {
  for (const std::int64_t stride : {1, 2}) {
    GraphMaker make(11);
    engine::Graph graph;
    const engine::Value stem = make.conv(graph, graph.image(), 48, 3, 1);
    const engine::Value half = graph.conv2d("unit", stem, make.tensor({20, 48, 3, 3}, 0.05f), Tensor(),
                                            {.stride = stride, .pad_before = stride == 1 ? 1 : 0, .pad_after = 1});
    const engine::Value shortcut =
        graph.conv2d("shortcut", stem, make.tensor({70, 48, 1, 1}, 0.1f), make.tensor({70}), {.stride = stride});
    const engine::Value unit = make.conv(graph, graph.relu(half), 70, 1, 0);
    graph.tap("shortcut", shortcut);
    graph.output_planar("sum", graph.relu(graph.add(unit, shortcut)));
    for (const auto& [width, height] : {std::pair{64, 36}, {2, 8}, {38, 2}}) {
      const Image image = noise_image(width, height);
      const auto expected = GraphRun{.taps = {"shortcut"}, .isa = Isa::kScalar}(graph, image).at("sum");
      for (const Isa isa : test::available_isas()) {
        const auto joined = GraphRun{.isa = isa}(graph, image).at("sum");
        for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(joined[i], expected[i], 2e-5);
      }
      const float largest = *std::ranges::max_element(expected);
      for (const auto& [precision, bound] :
           {std::pair{engine::Precision::kHigh, 1e-4f}, {engine::Precision::kFast, 3e-2f}}) {
        GraphRun tiles{.precision = precision, .emulate_tiles = true};
        const auto joined = tiles(graph, image).at("sum");
        for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(joined[i], expected[i], bound * largest);
        for (const int threads : {2, 3}) {
          tiles.threads = threads;
          ASSERT_EQ(tiles(graph, image).at("sum"), joined);
        }
      }
    }
  }
}

// An enlarged map whose only reader takes its size is not computed: no row of it exists anywhere.
TEST(Residual, WhatOnlyLendsItsSizeIsNotComputed) {
  GraphMaker make(5);
  engine::Graph graph;
  const engine::Value stem = make.conv(graph, graph.image(), 16, 3, 1);
  const engine::Value inner = make.conv(graph, stem, 16, 3, 0);
  graph.output_planar("cropped", graph.relu(graph.crop_to(stem, inner)));
  const auto program = engine::Program::compile(graph, {});
  const engine::Plan plan(program, engine::Extent{20, 30});
  std::int64_t convolutions = 0;
  for (const int id : plan.topology().order) convolutions += plan.topology().node(id).is_conv() ? 1 : 0;
  EXPECT_EQ(convolutions, 1);

  const Image image = noise_image(30, 20);
  engine::Graph whole;
  GraphMaker again(5);
  whole.output_planar("stem", whole.relu(again.conv(whole, whole.image(), 16, 3, 1)));
  const auto cropped = GraphRun{}(graph, image).at("cropped");
  const auto expected = GraphRun{}(whole, image).at("stem");
  ASSERT_EQ(cropped.size(), static_cast<std::size_t>(16 * 28 * 18));
  for (std::int64_t c = 0; c < 16; ++c) {
    for (std::int64_t y = 0; y < 18; ++y) {
      for (std::int64_t x = 0; x < 28; ++x) {
        ASSERT_EQ(cropped[static_cast<std::size_t>((c * 18 + y) * 28 + x)],
                  expected[static_cast<std::size_t>((c * 20 + y + 1) * 30 + x + 1)]);
      }
    }
  }
}
