#include <gtest/gtest.h>

#include "base/error.hpp"
#include "engine/run_graph.hpp"
#include "layers/conv.hpp"
#include "layers/dense_block.hpp"
#include "layers/reference_layers.hpp"
#include "layers/residual_block.hpp"
#include "layers/tf_same_padding.hpp"
#include "models/formula_dict.hpp"

using namespace histojet;
using namespace histojet::engine;
using histojet::test::DenseMap;
using histojet::test::MemoryDict;
using histojet::test::ReferenceLayers;

namespace {

void set(MemoryDict& dict, const std::string& key, const Shape& shape) {
  dict.set(key, test::formula_tensor(key, shape));
}

void set_norm(MemoryDict& dict, const std::string& key, std::int64_t channels) {
  for (const char* name : {".weight", ".bias", ".running_mean", ".running_var"}) set(dict, key + name, {channels});
}

DenseMap map_of(const Image& image) {
  DenseMap map(image.height, image.width, 3);
  for (std::size_t i = 0; i < image.data.size(); ++i) map.values[i] = static_cast<float>(image.data[i]) / 255.0f;
  return map;
}

/// Runs the graph with `out` as planar output and compares, on every instruction set.
void expect_equal(Graph graph, Value out, const Image& image, const DenseMap& expected) {
  graph.output_planar("out", out);
  for (const Isa isa : test::available_isas()) {
    const auto actual = test::GraphRun{.isa = isa}(graph, image).at("out");
    ASSERT_EQ(actual.size(), expected.values.size()) << isa_name(isa);
    double difference = 0;
    for (std::int64_t pixel = 0; pixel < expected.height * expected.width; ++pixel) {
      for (std::int64_t c = 0; c < expected.channels; ++c) {
        const double want = expected.values[static_cast<std::size_t>(pixel * expected.channels + c)];
        const double got = actual[static_cast<std::size_t>(c * expected.height * expected.width + pixel)];
        difference = std::max(difference, std::fabs(want - got));
      }
    }
    EXPECT_LT(difference, 3e-5) << isa_name(isa);
  }
}

/// A residual block of two units on a picture: 3 to 4 and 12 channels.
std::shared_ptr<MemoryDict> residual_dict() {
  auto dict = std::make_shared<MemoryDict>();
  for (const int u : {0, 1}) {
    const std::string unit = "d.units." + std::to_string(u) + ".";
    if (u > 0) set_norm(*dict, unit + "preact/bn", 12);
    set(*dict, unit + "conv1.weight", {4, u > 0 ? 12 : 3, 1, 1});
    set_norm(*dict, unit + "conv1/bn", 4);
    set(*dict, unit + "conv2.weight", {4, 4, 3, 3});
    set_norm(*dict, unit + "conv2/bn", 4);
    set(*dict, unit + "conv3.weight", {12, 4, 1, 1});
  }
  set(*dict, "d.shortcut.weight", {12, 3, 1, 1});
  set_norm(*dict, "d.blk_bna.bn", 12);
  return dict;
}

/// A dense block of three units on a picture: inner 8, growth 4, groups 2.
std::shared_ptr<MemoryDict> dense_dict(std::int64_t kernel) {
  auto dict = std::make_shared<MemoryDict>();
  for (int u = 0; u < 3; ++u) {
    const std::string unit = "x.units." + std::to_string(u) + ".";
    set_norm(*dict, unit + "preact_bna/bn", 3 + 4 * u);
    set(*dict, unit + "conv1.weight", {8, 3 + 4 * u, 1, 1});
    set_norm(*dict, unit + "conv1/bn", 8);
    set(*dict, unit + "conv2.weight", {4, 4, kernel, kernel});
  }
  set_norm(*dict, "x.blk_bna.bn", 15);
  set(*dict, "before.weight", {3, 3, 1, 1});
  set(*dict, "after.weight", {6, 15, 1, 1});
  return dict;
}

}  // namespace

TEST(TfSamePadding, PutsTheOddPixelAfter) {
  const auto expect = [](std::int64_t kernel, std::int64_t stride, std::int64_t before, std::int64_t after) {
    const ConvGeometry geometry = layers::tf_same_padding(kernel, stride);
    EXPECT_EQ(geometry.stride, stride);
    EXPECT_EQ(geometry.groups, 1);
    EXPECT_EQ(geometry.pad_before, before) << kernel << " " << stride;
    EXPECT_EQ(geometry.pad_after, after) << kernel << " " << stride;
  };
  expect(3, 1, 1, 1);
  expect(3, 2, 0, 1);
  expect(5, 1, 2, 2);
  expect(5, 2, 1, 2);
  expect(1, 2, 0, 0);
}

TEST(ResidualBlock, MatchesItsDescription) {
  const auto dict = residual_dict();
  const ReferenceLayers layer(*dict);
  const Image image = test::noise_image(14, 10);
  for (const std::int64_t stride : {1, 2}) {
    Graph graph;
    const Value out = layers::residual_block(graph, graph.image(), weights::WeightScope(dict, "d"),
                                             {.inner = 4, .out = 12, .units = 2, .stride = stride});
    const auto unit = [&](const std::string& key, const DenseMap& x, std::int64_t step) {
      const DenseMap inner = layer.norm_relu(key + ".conv1/bn", layer.conv(key + ".conv1", x));
      const ConvGeometry same{.stride = step, .pad_before = step == 1 ? 1 : 0, .pad_after = 1};
      return layer.conv(key + ".conv3", layer.norm_relu(key + ".conv2/bn", layer.conv(key + ".conv2", inner, same)));
    };
    const DenseMap x = map_of(image);
    DenseMap sum = ReferenceLayers::sum(unit("d.units.0", x, stride), layer.conv("d.shortcut", x, {.stride = stride}));
    sum = ReferenceLayers::sum(unit("d.units.1", layer.norm_relu("d.units.1.preact/bn", sum), 1), sum);
    expect_equal(graph, out, image, layer.norm_relu("d.blk_bna.bn", sum));
  }
}

TEST(DenseBlock, MatchesItsDescription) {
  const Image image = test::noise_image(21, 18);
  for (const std::int64_t kernel : {3, 5}) {
    const auto dict = dense_dict(kernel);
    const ReferenceLayers layer(*dict);
    Graph graph;
    const Value x = layers::conv2d_without_bias(graph, graph.image(), weights::WeightScope(dict, "before"), 3, 1);
    const Value out = layers::dense_block(graph, x, weights::WeightScope(dict, "x"),
                                          {.kernel = kernel, .units = 3, .inner = 8, .growth = 4, .groups = 2});
    DenseMap features = layer.conv("before", map_of(image));
    for (int u = 0; u < 3; ++u) {
      const std::string unit = "x.units." + std::to_string(u);
      DenseMap y = layer.conv(unit + ".conv1", layer.norm_relu(unit + ".preact_bna/bn", features));
      y = layer.conv(unit + ".conv2", layer.norm_relu(unit + ".conv1/bn", y), {.groups = 2});
      features = ReferenceLayers::joined(features, y);
    }
    EXPECT_EQ(graph.channels(out), 15);
    // What the block hands on are several values side by side; they become one in the convolution that reads them.
    const Value after = layers::conv2d_without_bias(graph, out, weights::WeightScope(dict, "after"), 6, 1);
    expect_equal(graph, after, image, layer.conv("after", layer.norm_relu("x.blk_bna.bn", features)));
  }
}

TEST(HoverNetBlocks, ErrorsNameTheKeyAndBothShapes) {
  const auto expect_refused = [](const std::shared_ptr<MemoryDict>& dict, ErrorCode code,
                                 const std::vector<std::string>& parts) {
    Graph graph;
    try {
      layers::dense_block(graph, graph.image(), weights::WeightScope(dict, "x"),
                          {.units = 3, .inner = 8, .growth = 4, .groups = 2});
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      for (const std::string& part : parts) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      }
    }
  };
  auto dict = dense_dict(3);
  dict->remove("x.units.1.preact_bna/bn.running_var");
  expect_refused(dict, ErrorCode::kMissingWeight, {"x.units.1.preact_bna/bn.running_var"});
  dict = dense_dict(3);
  dict->set("x.units.2.conv2.weight", Tensor(DType::kF32, {4, 8, 3, 3}));
  expect_refused(dict, ErrorCode::kShapeMismatch, {"x.units.2.conv2.weight", "[4, 8, 3, 3]", "[4, 4, 3, 3]"});
}
