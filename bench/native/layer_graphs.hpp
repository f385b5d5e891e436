#pragma once

// Single layers as graphs. The engine reads pictures and writes planes, so a layer needs a convolution before it and
// one behind it; each case therefore is two graphs, with and without the layer, whose times are subtracted.

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/graph.hpp"

namespace histojet::bench {

/// One layer on pictures of `side` x `side` with `channels` channels.
struct Layer {
  std::string name;
  std::int64_t channels = 0;
  std::int64_t side = 0;
  std::int64_t kernel = 1;
  std::int64_t out_channels = 0;
  int repeats = 1;      ///< how often `add` is applied, one behind the other
  bool beside = false;  ///< the result has another size or depth: it gets a head of its own beside that of the input
  double gflop = 0.0;   ///< of one application; 0 for layers without products
  std::function<engine::Value(engine::Graph&, engine::Value)> add;
};

/// Numbers in [-scale, scale), the same in every run.
inline Tensor noise_tensor(const Shape& shape, double scale, double offset = 0.0) {
  static std::uint32_t seed = 1;
  Tensor tensor(DType::kF32, shape);
  for (float& value : tensor.values<float>()) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(offset + scale * (static_cast<double>(seed >> 8) / (1 << 23) - 1.0));
  }
  return tensor;
}

inline engine::Value noise_conv(engine::Graph& graph, const std::string& name, engine::Value x, std::int64_t out,
                                std::int64_t kernel, const engine::ConvGeometry& geometry = {}) {
  const std::int64_t in = graph.channels(x) / geometry.groups;
  const double scale = std::sqrt(3.0 / static_cast<double>(in * kernel * kernel));
  return graph.conv2d(name, x, noise_tensor({out, in, kernel, kernel}, scale), noise_tensor({out}, 0.25), geometry);
}

/// A convolution with ReLU.
inline Layer conv_layer(const std::string& name, std::int64_t side, std::int64_t in, std::int64_t out,
                        std::int64_t kernel, engine::ConvGeometry geometry = {}) {
  if (kernel > 1) geometry.pad_before = geometry.pad_after = kernel / 2;
  const double pixels = static_cast<double>(side * side) / static_cast<double>(geometry.stride * geometry.stride);
  Layer layer{.name = name, .channels = in, .side = side, .kernel = kernel, .out_channels = out};
  layer.beside = in != out || geometry.stride > 1;
  layer.gflop = 2e-9 * pixels * static_cast<double>(out * in / geometry.groups * kernel * kernel);
  layer.add = [=](engine::Graph& graph, engine::Value x) {
    return graph.relu(noise_conv(graph, "layer", x, out, kernel, geometry));
  };
  return layer;
}

/// Enlarging and shrinking in turn keep the size, so that several follow each other.
inline Layer transposed_layer(std::int64_t side, std::int64_t channels) {
  Layer layer{.name = "transposed 2x2 and max pool, " + std::to_string(channels) + " channels",
              .channels = channels,
              .side = side,
              .kernel = 2,
              .out_channels = channels,
              .repeats = 2};
  layer.gflop = 2e-9 * static_cast<double>(4 * side * side * channels * channels);
  layer.add = [=](engine::Graph& graph, engine::Value x) {
    const double scale = std::sqrt(3.0 / static_cast<double>(channels));
    const Tensor weight = noise_tensor({channels, channels, 2, 2}, scale);
    return graph.max_pool2x2(graph.conv_transpose2x2("layer", x, weight, noise_tensor({channels}, 0.25)));
  };
  return layer;
}

/// relu(scale * (a + b) + shift), as between the units of a residual network.
inline Layer pointwise_layer(std::int64_t side, std::int64_t channels) {
  Layer layer{.name = "add, batch norm, ReLU, " + std::to_string(channels) + " channels",
              .channels = channels,
              .side = side,
              .out_channels = channels,
              .repeats = 4};
  layer.add = [=](engine::Graph& graph, engine::Value x) {
    const Shape shape{channels};
    return graph.relu(graph.batch_norm("layer", graph.add(x, x), noise_tensor(shape, 0.25, 0.5),
                                       noise_tensor(shape, 0.25), noise_tensor(shape, 0.25),
                                       noise_tensor(shape, 0.5, 1.0), 1e-5));
  };
  return layer;
}

inline Layer pool_layer(std::int64_t side, std::int64_t channels) {
  Layer layer{.name = "max pool 2x2, " + std::to_string(channels) + " channels",
              .channels = channels,
              .side = side,
              .kernel = 2,
              .out_channels = channels,
              .beside = true};
  layer.add = [](engine::Graph& graph, engine::Value x) { return graph.max_pool2x2(x); };
  return layer;
}

/// The layers of the table. The first three are those that rivals are measured with as well.
inline const std::vector<Layer>& layers() {
  static const std::vector<Layer> all{
      conv_layer("3x3 64 to 64", 512, 64, 64, 3),
      conv_layer("3x3 32 to 32", 1024, 32, 32, 3),
      conv_layer("7x7 16 to 16", 1024, 16, 16, 7),
      conv_layer("1x1 1024 to 256", 64, 1024, 256, 1),
      conv_layer("3x3 stride 2 128 to 128", 256, 128, 128, 3, {.stride = 2}),
      conv_layer("3x3 in 4 groups 128 to 32", 256, 128, 32, 3, {.groups = 4}),
      transposed_layer(512, 32),
      pool_layer(1024, 32),
      pointwise_layer(256, 256),
  };
  return all;
}

/// The graph of a layer, or the one that lacks only the layer.
inline engine::Graph layer_graph(const Layer& layer, bool with_layer) {
  engine::Graph graph;
  const engine::Value stem = graph.relu(noise_conv(graph, "stem", graph.image(), layer.channels, 1));
  engine::Value x = stem;
  if (with_layer) {
    for (int i = 0; i < layer.repeats; ++i) x = layer.add(graph, x);
  }
  if (layer.beside || !with_layer) graph.output_planar("input", noise_conv(graph, "head", stem, 1, 1));
  if (with_layer) graph.output_planar("result", noise_conv(graph, "result", x, 1, 1));
  return graph;
}

}  // namespace histojet::bench
