#include <gtest/gtest.h>

#include "engine/passes/passes.hpp"
#include "engine/run_graph.hpp"
#include "engine/small_graph.hpp"

using namespace histojet;
using namespace histojet::engine;
using histojet::test::GraphMaker;
using histojet::test::GraphRun;
using histojet::test::noise_image;
using histojet::test::relative_error;

namespace {

/// A residual trunk of two units whose sums are read raw and activated, and what ends it.
Graph trunk_graph() {
  GraphMaker make(21);
  Graph graph;
  const Value stem = make.conv(graph, graph.image(), 64, 3, 1);
  Value sum = graph.add(make.conv(graph, make.conv(graph, stem, 32, 3, 1), 96, 1, 0), make.conv(graph, stem, 96, 1, 0));
  for (int unit = 0; unit < 2; ++unit) {
    const Value active = graph.relu(make.norm(graph, sum));
    const Value narrow = graph.relu(make.conv(graph, active, 32, 1, 0));
    sum = graph.add(make.conv(graph, graph.relu(make.conv(graph, narrow, 32, 3, 1)), 96, 1, 0), sum);
  }
  const Value last = graph.relu(make.norm(graph, sum));
  graph.output_planar("hv", make.conv(graph, last, 2, 1, 0));
  return graph;
}

/// Three decoders that start alike on one map, each with something of its own behind.
Graph decoders_graph() {
  GraphMaker make(22);
  Graph graph;
  const Value trunk = graph.relu(make.conv(graph, graph.image(), 48, 3, 1));
  for (const auto& [name, channels] : {std::pair{"np", 40}, {"hv", 24}, {"tp", 40}}) {
    const Value first = make.conv(graph, trunk, channels, 3, 0);
    const Value second = make.conv(graph, graph.relu(make.norm(graph, first)), 33, 3, 1);
    graph.output_planar(name, make.conv(graph, graph.concat({second, first}), 2, 1, 0));
  }
  return graph;
}

void run_planner_passes(Graph& graph) {
  split_concat(graph);
  fold_batch_norm(graph);
  fuse_relu(graph);
  form_pointwise(graph);
  fuse_sum(graph);
}

}  // namespace

TEST(FuseActivation, GoesBesideASumThatOthersReadAndInPlaceOfTheLast) {
  Graph graph = trunk_graph();
  run_planner_passes(graph);
  fuse_activation(graph, true);
  remove_dead_nodes(graph);
  std::vector<std::size_t> made;
  std::vector<std::size_t> in_place;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (node.scale.size() > 0) in_place.push_back(id);
    if (node.made_with < 0) continue;
    made.push_back(id);
    EXPECT_EQ(node.kind, OpKind::kPointwise);
    EXPECT_EQ(node.made_with, static_cast<int>(id) - 1) << "directly behind the convolution";
    EXPECT_EQ(node.inputs, std::vector<int>{node.made_with});
    const Node& sum = graph.nodes()[id - 1];
    EXPECT_TRUE(sum.add_last || sum.shortcut_stride > 0);
  }
  EXPECT_EQ(made.size(), 2U);
  ASSERT_EQ(in_place.size(), 1U);
  EXPECT_TRUE(graph.nodes()[in_place[0]].add_last);
  EXPECT_EQ(graph.nodes()[in_place[0] + 1].inputs, std::vector<int>{static_cast<int>(in_place[0])});
  EXPECT_EQ(std::ranges::count(graph.nodes(), OpKind::kPointwise, &Node::kind), 2);
}

TEST(FuseActivation, LeavesConvolutionsThatAreNoSums) {
  GraphMaker make;
  Graph graph;
  const Value conv = make.conv(graph, make.conv(graph, graph.image(), 32, 3, 1), 32, 3, 1);
  graph.output_planar("raw", conv);
  graph.output_planar("active", make.conv(graph, graph.relu(make.norm(graph, conv)), 8, 1, 0));
  run_planner_passes(graph);
  fuse_activation(graph, true);
  EXPECT_EQ(std::ranges::count(graph.nodes(), -1, &Node::made_with), static_cast<int>(graph.nodes().size()));
  EXPECT_EQ(std::ranges::count(graph.nodes(), OpKind::kPointwise, &Node::kind), 1);
}

TEST(MergeSiblings, PutsConvolutionsOfOneInputSideBySide) {
  Graph graph = decoders_graph();
  run_planner_passes(graph);
  merge_siblings(graph);
  std::vector<int> leads;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    for (const int input : node.inputs) EXPECT_LT(input, static_cast<int>(id)) << "inputs come first";
    if (node.made_with < 0) continue;
    leads.push_back(node.made_with);
    EXPECT_EQ(node.inputs, graph.nodes()[static_cast<std::size_t>(node.made_with)].inputs);
  }
  ASSERT_EQ(leads.size(), 2U) << "the second and third decoder's first convolution, nothing else";
  EXPECT_EQ(leads[0], leads[1]);
  EXPECT_EQ(graph.nodes()[static_cast<std::size_t>(leads[0]) + 2].made_with, leads[0]);
  EXPECT_EQ(graph.nodes()[static_cast<std::size_t>(leads[0]) + 1].channels, 24);
}

TEST(MergeSiblings, LeavesOtherGeometriesAlone) {
  GraphMaker make;
  Graph graph;
  const Value stem = make.conv(graph, graph.image(), 32, 3, 1);
  graph.output_planar("padded", make.conv(graph, stem, 8, 3, 1));
  graph.output_planar("valid", make.conv(graph, stem, 8, 3, 0));
  graph.output_planar("wide", make.conv(graph, stem, 8, 5, 1));
  merge_siblings(graph);
  EXPECT_EQ(std::ranges::count(graph.nodes(), -1, &Node::made_with), static_cast<int>(graph.nodes().size()));
}

TEST(SeveralResults, SiblingsGiveTheBitsOfConvolutionsOnTheirOwn) {
  const Graph graph = decoders_graph();
  const Image image = noise_image(45, 34);
  for (const Precision precision : {Precision::kFloat32, Precision::kHigh, Precision::kFast}) {
    GraphRun run{.cache_bytes = 1, .precision = precision, .emulate_tiles = true, .several_results = false};
    const auto expected = run(graph, image);
    run.several_results = true;
    for (const int threads : {1, 3}) {
      for (const int cache_bytes : {1, 60'000, 1 << 30}) {
        run.threads = threads;
        run.cache_bytes = cache_bytes;
        EXPECT_EQ(run(graph, image), expected) << precision_name(precision) << " " << cache_bytes;
      }
    }
  }
}

TEST(SeveralResults, ActivatedSumsAreNotRoundedTwice) {
  const Graph graph = trunk_graph();
  const Image image = noise_image(52, 40);
  const auto expected = GraphRun{}(graph, image).at("hv");
  for (const Precision precision : {Precision::kHigh, Precision::kFast}) {
    const double bound = precision == Precision::kFast ? 2e-2 : 5e-5;
    GraphRun run{.cache_bytes = 1, .precision = precision, .emulate_tiles = true, .activated_beside = true};
    const auto beside = run(graph, image);
    EXPECT_LT(relative_error(beside.at("hv"), expected), bound);
    for (const int threads : {1, 2, 5}) {
      for (const int cache_bytes : {1, 30'000, 200'000, 1 << 30}) {
        run.threads = threads;
        run.cache_bytes = cache_bytes;
        EXPECT_EQ(run(graph, image), beside) << precision_name(precision) << " " << cache_bytes;
      }
    }
    const GraphRun apart{.precision = precision, .emulate_tiles = true, .several_results = false};
    EXPECT_LT(relative_error(beside.at("hv"), expected), relative_error(apart(graph, image).at("hv"), expected));
  }
}

TEST(SeveralResults, ChainsNeverPartAResultFromItsConvolution) {
  for (const Graph& graph : {trunk_graph(), decoders_graph()}) {
    const auto program =
        Program::compile(graph, {.precision = Precision::kFast, .activated_beside = true, .emulate_tiles = true});
    for (const int cache_bytes : {1, 20'000, 50'000, 100'000, 1 << 30}) {
      const Plan plan(program, {40, 48}, {.cache_bytes = cache_bytes});
      std::size_t companions = 0;
      for (const Chain& chain : plan.chains()) {
        for (const int id : chain.members) {
          const int lead = program->node(id).made_with;
          if (lead < 0) continue;
          ++companions;
          EXPECT_GE(chain.position[static_cast<std::size_t>(lead)], 0) << plan.describe();
        }
      }
      EXPECT_EQ(companions, 2U);
      EXPECT_NE(plan.describe().find(", with #"), std::string::npos);
    }
  }
}
