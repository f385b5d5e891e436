#include "engine/passes/passes.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "engine/plan.hpp"
#include "engine/small_graph.hpp"

using namespace histojet;
using namespace histojet::engine;
using histojet::test::GraphMaker;

namespace {

std::vector<OpKind> kinds(const Graph& graph) {
  std::vector<OpKind> result;
  for (const Node& node : graph.nodes()) result.push_back(node.kind);
  return result;
}

}  // namespace

TEST(FoldBatchNorm, ScalesWeightsAndShiftsBias) {
  Graph graph;
  const float weight[] = {1, 2, 3, 10, 20, 30};
  const float bias[] = {1, 2};
  const float gamma[] = {2, 1};
  const float beta[] = {0.5f, 0};
  const float mean[] = {3, 0};
  const float variance[] = {4, 1};
  const Value conv = graph.conv2d("c", graph.image(), Tensor::from_f32(weight, {2, 3, 1, 1}),
                                  Tensor::from_f32(bias, {2}), ConvGeometry{});
  const Value norm = graph.batch_norm("n", conv, Tensor::from_f32(gamma, {2}), Tensor::from_f32(beta, {2}),
                                      Tensor::from_f32(mean, {2}), Tensor::from_f32(variance, {2}), 0.0);
  graph.output_planar("out", norm);
  fold_batch_norm(graph);
  remove_dead_nodes(graph);
  EXPECT_EQ(kinds(graph), (std::vector<OpKind>{OpKind::kImage, OpKind::kConv2d, OpKind::kPlanar}));
  const Node& folded = graph.nodes()[1];
  EXPECT_EQ(folded.weight.values<float>()[2], 3.0f);  // scale 2 / sqrt(4) = 1
  EXPECT_EQ(folded.weight.values<float>()[5], 30.0f);
  EXPECT_EQ(folded.bias.values<float>()[0], -1.5f);  // (1 - 3) * 1 + 0.5
  EXPECT_EQ(folded.bias.values<float>()[1], 2.0f);
}

TEST(FoldBatchNorm, LeavesTensorsOfTheCallerAlone) {
  GraphMaker make;
  Graph graph;
  const Tensor weight = make.tensor({4, 3, 1, 1});
  const float before = weight.values<float>()[0];
  const Value conv = graph.conv2d("c", graph.image(), weight, make.tensor({4}), ConvGeometry{});
  graph.output_planar("out", make.norm(graph, conv));
  Program::compile(graph);
  EXPECT_EQ(weight.values<float>()[0], before);
}

TEST(Passes, AConvolutionThatOthersReadKeepsItsResult) {
  GraphMaker make;
  Graph graph;
  const Value conv = make.conv(graph, graph.image(), 4, 3, 1);
  graph.output_planar("raw", conv);
  graph.output_planar("activated", graph.relu(conv));
  fuse_relu(graph);
  EXPECT_FALSE(graph.nodes()[1].relu);
  form_pointwise(graph);
  EXPECT_EQ(graph.nodes()[3].kind, OpKind::kPointwise);
}

TEST(Passes, NestedConcatsBecomeInputs) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  const Value a = make.conv(graph, image, 4, 1, 0);
  const Value b = make.conv(graph, image, 5, 1, 0);
  const Value nested = graph.concat({graph.concat({a, b}), a});
  graph.output_planar("out", make.conv(graph, nested, 2, 1, 0));
  split_concat(graph);
  remove_dead_nodes(graph);
  ASSERT_EQ(graph.nodes()[3].kind, OpKind::kConv2d);
  EXPECT_EQ(graph.nodes()[3].inputs, (std::vector<int>{1, 2, 1}));
}

TEST(Passes, WhatWorksOnChannelsGoesPartByPart) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  const Value a = make.conv(graph, image, 4, 1, 0);
  const Value b = make.conv(graph, image, 5, 1, 0);
  const Value active = graph.relu(make.norm(graph, graph.concat({a, b})));
  const Tensor gamma = graph.nodes()[4].weight;
  graph.output_planar("out", make.conv(graph, active, 2, 1, 0));
  split_concat(graph);
  form_pointwise(graph);
  remove_dead_nodes(graph);
  ASSERT_EQ(graph.nodes().size(), 7U);
  for (const std::size_t id : {3U, 4U}) {
    const Node& node = graph.nodes()[id];
    EXPECT_EQ(node.kind, OpKind::kPointwise);
    EXPECT_TRUE(node.relu);
    EXPECT_EQ(node.channels, id == 3 ? 4 : 5);
    EXPECT_EQ(node.weight.shape(), Shape{node.channels});
  }
  EXPECT_NEAR(graph.nodes()[4].weight.values<float>()[0], gamma.values<float>()[4], 0.7f);
  EXPECT_EQ(graph.nodes()[5].inputs, (std::vector<int>{3, 4}));
}

TEST(Passes, EnlargementSumNormAndReluBecomeOne) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  const Value small = make.conv(graph, graph.max_pool2x2(make.conv(graph, image, 8, 3, 1)), 8, 1, 0);
  const Value large = make.conv(graph, image, 8, 1, 0);
  const Value sum = graph.add(large, graph.upsample_nearest2x(small));
  graph.output_planar("out", graph.relu(make.norm(graph, sum)));
  form_pointwise(graph);
  remove_dead_nodes(graph);
  const Node& merged = graph.nodes()[graph.nodes().size() - 2];
  ASSERT_EQ(merged.kind, OpKind::kPointwise);
  EXPECT_TRUE(merged.enlarge && merged.relu);
  EXPECT_EQ(merged.weight.size(), 8);
  EXPECT_EQ(merged.inputs, (std::vector<int>{3, 4})) << "the small one first";
}

TEST(Passes, SumsThatOthersReadStay) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  const Value sum = graph.add(make.conv(graph, image, 8, 1, 0), make.conv(graph, image, 8, 1, 0));
  graph.output_planar("raw", sum);
  graph.output_planar("active", graph.relu(make.norm(graph, sum)));
  form_pointwise(graph);
  remove_dead_nodes(graph);
  EXPECT_EQ(std::ranges::count(graph.nodes(), OpKind::kPointwise, &Node::kind), 2);
}

TEST(Passes, EqualStepsAreTakenOnce) {
  GraphMaker make;
  Graph graph;
  const Value x = make.conv(graph, graph.image(), 8, 3, 1);
  const Value y = make.conv(graph, graph.max_pool2x2(x), 8, 3, 1);
  for (const char* name : {"first", "second"}) {
    const Value start = graph.add(graph.upsample_nearest2x(y), x);
    graph.output_planar(name, make.conv(graph, start, 4, 1, 0));
  }
  share_equal_nodes(graph);
  form_pointwise(graph);
  remove_dead_nodes(graph);
  EXPECT_EQ(std::ranges::count(graph.nodes(), OpKind::kPointwise, &Node::kind), 1);
  EXPECT_EQ(std::ranges::count(graph.nodes(), OpKind::kConv2d, &Node::kind), 4);
}

TEST(Passes, AConvolutionAddsWhatItsOnlyReaderAdds) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  const Value shortcut = make.conv(graph, image, 8, 1, 0);
  const Value sum = graph.add(make.conv(graph, shortcut, 8, 3, 1), shortcut);
  graph.output_planar("out", graph.relu(make.norm(graph, graph.add(make.conv(graph, sum, 8, 3, 1), sum))));
  form_pointwise(graph);
  fuse_sum(graph);
  remove_dead_nodes(graph);
  ASSERT_EQ(graph.nodes().size(), 6U);
  EXPECT_TRUE(graph.nodes()[2].add_last && graph.nodes()[3].add_last);
  EXPECT_EQ(graph.nodes()[2].inputs, (std::vector<int>{1, 1}));
  EXPECT_EQ(graph.nodes()[3].inputs, (std::vector<int>{2, 2}));
  EXPECT_EQ(graph.nodes()[4].kind, OpKind::kPointwise) << "the norm of the sum";
  EXPECT_EQ(graph.nodes()[4].inputs, std::vector<int>{3});
}

TEST(Program, RefusesWhatItCannotRun) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  graph.output_planar("out", graph.concat({image, image}));
  EXPECT_THROW(Program::compile(graph), Error);
  EXPECT_THROW(Program::compile(test::two_level_graph(), {.taps = {"nothing"}}), Error);
}

TEST(Graph, ChecksChannelsWhileBuilding) {
  GraphMaker make;
  Graph graph;
  const Value image = graph.image();
  try {
    graph.conv2d("block.0", image, make.tensor({8, 4, 3, 3}), make.tensor({8}), ConvGeometry::padded(1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    EXPECT_NE(std::string(error.what()).find("block.0"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("[8, 4, 3, 3]"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("[8, 3, 3, 3]"), std::string::npos);
  }
  EXPECT_THROW(graph.conv2d("c", image, make.tensor({8, 3, 3, 3}), make.tensor({7}), ConvGeometry::padded(1)), Error);
  EXPECT_THROW(graph.conv2d("c", image, make.tensor({8, 3, 3, 5}), make.tensor({8}), ConvGeometry::padded(1)), Error);
  EXPECT_THROW(graph.output_class_probability("np", make.conv(graph, image, 1, 1, 0)), Error);
  EXPECT_THROW(graph.relu(Value{}), Error);
}

TEST(Plan, DescribesWhatWasFused) {
  const auto program = Program::compile(test::two_level_graph());
  const std::string text = Plan(program, {64, 96}).describe();
  for (const char* expected : {"conv2d 3x3 + relu (#0)", "conv2d 1x1 of 2 inputs", "max_pool2x2", "ring of",
                               "[32, 48, 40]", "GFLOP", "to the caller"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n" << text;
  }
  for (const char* gone : {"batch_norm", "concat"}) EXPECT_EQ(text.find(gone), std::string::npos) << text;
}
