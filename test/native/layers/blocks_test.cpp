#include <gtest/gtest.h>

#include "base/error.hpp"
#include "layers/conv_block.hpp"
#include "layers/ms_conv_block.hpp"
#include "layers/upsample.hpp"
#include "models/memory_dict.hpp"

using namespace histojet;
using namespace histojet::engine;
using histojet::test::MemoryDict;

namespace {

void set_conv(MemoryDict& dict, const std::string& key, const Shape& weight, std::int64_t out) {
  dict.set(key + ".weight", Tensor(DType::kF32, weight));
  dict.set(key + ".bias", Tensor(DType::kF32, {out}));
}

void set_norm(MemoryDict& dict, const std::string& key, std::int64_t channels) {
  for (const char* name : {".weight", ".bias", ".running_mean", ".running_var"}) {
    dict.set(key + name, Tensor(DType::kF32, {channels}));
  }
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> result;
  for (const Node& node : graph.nodes()) result.push_back(std::string(op_name(node.kind)) + " " + node.name);
  return result;
}

}  // namespace

TEST(ConvBlock, ReadsTheSequentialsIndices) {
  auto dict = std::make_shared<MemoryDict>();
  set_conv(*dict, "x.block.0", {8, 3, 5, 5}, 8);
  set_norm(*dict, "x.block.1", 8);
  set_conv(*dict, "x.block.3", {8, 8, 5, 5}, 8);
  set_norm(*dict, "x.block.4", 8);
  Graph graph;
  const Value out = layers::conv_block(graph, graph.image(), weights::WeightScope(dict, "x"), 8, {.kernel = 5});
  EXPECT_EQ(graph.channels(out), 8);
  EXPECT_EQ(names(graph),
            (std::vector<std::string>{"image image", "conv2d x.block.0", "batch_norm x.block.1", "relu x.block.1",
                                      "conv2d x.block.3", "batch_norm x.block.4", "relu x.block.4"}));
  EXPECT_EQ(graph.nodes()[1].geometry.pad_before, 2);
  EXPECT_EQ(graph.nodes()[1].geometry.pad_after, 2);
}

TEST(ConvBlock, WithoutNormalisationTheSecondConvolutionMoves) {
  auto dict = std::make_shared<MemoryDict>();
  set_conv(*dict, "block.0", {4, 3, 3, 3}, 4);
  set_conv(*dict, "block.2", {4, 4, 3, 3}, 4);
  Graph graph;
  layers::conv_block(graph, graph.image(), weights::WeightScope(dict), 4, {.padding = false, .batch_norm = false});
  EXPECT_EQ(names(graph), (std::vector<std::string>{"image image", "conv2d block.0", "relu block.0", "conv2d block.2",
                                                    "relu block.2"}));
  EXPECT_EQ(graph.nodes()[1].geometry.pad_before, 0);
}

TEST(MsConvBlock, JoinsItsBranchesFineFirst) {
  auto dict = std::make_shared<MemoryDict>();
  for (const std::int64_t kernel : {3, 7}) {
    const std::string branch = "conv_" + std::to_string(kernel) + ".block.";
    set_conv(*dict, branch + "0", {4, 3, kernel, kernel}, 4);
    set_conv(*dict, branch + "2", {4, 4, kernel, kernel}, 4);
  }
  set_conv(*dict, "conv", {4, 8, 1, 1}, 4);
  Graph graph;
  const Value out = layers::ms_conv_block(graph, graph.image(), weights::WeightScope(dict), 4, false);
  const Node& last = graph.nodes()[static_cast<std::size_t>(out.id)];
  const Node& joined = graph.nodes()[static_cast<std::size_t>(last.inputs[0])];
  EXPECT_EQ(last.name, "conv");
  ASSERT_EQ(joined.kind, OpKind::kConcat);
  EXPECT_EQ(graph.nodes()[static_cast<std::size_t>(joined.inputs[0])].name, "conv_3.block.2");
  EXPECT_EQ(graph.nodes()[static_cast<std::size_t>(joined.inputs[1])].name, "conv_7.block.2");
}

TEST(Upsample, HasTwoForms) {
  auto dict = std::make_shared<MemoryDict>();
  set_conv(*dict, "a", {3, 2, 2, 2}, 2);
  set_conv(*dict, "b.1", {2, 3, 1, 1}, 2);
  Graph graph;
  const Value image = graph.image();
  const Value a = layers::upsample(graph, image, weights::WeightScope(dict, "a"), 2, layers::UpMode::kUpconv);
  const Value b = layers::upsample(graph, image, weights::WeightScope(dict, "b"), 2, layers::UpMode::kUpsample);
  EXPECT_EQ(names(graph), (std::vector<std::string>{"image image", "conv_transpose2x2 a", "resize_bilinear2x image.x2",
                                                    "conv2d b.1"}));
  EXPECT_EQ(graph.channels(a), graph.channels(b));
  EXPECT_EQ(graph.channels(layers::join_skip(graph, a, image)), 5);
}

TEST(Layers, ErrorsNameTheKeyAndBothShapes) {
  auto dict = std::make_shared<MemoryDict>();
  set_conv(*dict, "x.block.0", {8, 4, 3, 3}, 8);
  Graph graph;
  const Value image = graph.image();
  try {
    layers::conv_block(graph, image, weights::WeightScope(dict, "x"), 8, {});
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    for (const char* part : {"x.block.0.weight", "[8, 4, 3, 3]", "[8, 3, 3, 3]"}) {
      EXPECT_NE(message.find(part), std::string::npos) << message;
    }
  }
}
