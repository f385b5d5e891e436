#pragma once

#include <cmath>
#include <string>

#include "engine/graph.hpp"
#include "kernels/conv_reference.hpp"

namespace histojet::test {

/// Builds graphs with random weights.
class GraphMaker {
 public:
  explicit GraphMaker(std::uint32_t seed = 1) : noise_(seed) {}

  Tensor tensor(const Shape& shape, float scale = 1.0f, float offset = 0.0f) {
    Tensor result(DType::kF32, shape);
    for (float& value : result.values<float>()) value = offset + scale * noise_.next();
    return result;
  }
  engine::Value conv(engine::Graph& graph, engine::Value x, std::int64_t out, std::int64_t kernel,
                     std::int64_t padding) {
    const std::int64_t in = graph.channels(x);
    const float scale = 1.5f / std::sqrt(static_cast<float>(in * kernel * kernel));
    return graph.conv2d("conv" + std::to_string(count_++), x, tensor({out, in, kernel, kernel}, scale),
                        tensor({out}, 0.2f), engine::ConvGeometry::padded(padding));
  }
  engine::Value up(engine::Graph& graph, engine::Value x, std::int64_t out) {
    const std::int64_t in = graph.channels(x);
    return graph.conv_transpose2x2("up" + std::to_string(count_++), x, tensor({in, out, 2, 2}, 0.3f), tensor({out}));
  }
  engine::Value norm(engine::Graph& graph, engine::Value x) {
    const Shape shape{graph.channels(x)};
    return graph.batch_norm("norm" + std::to_string(count_++), x, tensor(shape, 0.3f, 1.0f), tensor(shape, 0.3f),
                            tensor(shape, 0.3f), tensor(shape, 0.3f, 1.0f), 1e-5);
  }

 private:
  Noise noise_;
  int count_ = 0;
};

/// Everything at once: two branches of different reach, pooling, both ways up, a cropped skip and two outputs.
inline engine::Graph two_level_graph() {
  GraphMaker make;
  engine::Graph graph;
  const engine::Value image = graph.image();
  const engine::Value fine = graph.relu(make.norm(graph, make.conv(graph, image, 8, 3, 1)));
  const engine::Value coarse = graph.relu(make.conv(graph, make.conv(graph, image, 8, 7, 3), 8, 7, 3));
  const engine::Value top = make.conv(graph, graph.concat({fine, coarse}), 20, 1, 0);
  graph.tap("top", top);
  const engine::Value deep = graph.relu(make.conv(graph, graph.max_pool2x2(top), 40, 3, 1));
  const engine::Value up = make.up(graph, deep, 20);
  const engine::Value joined = graph.concat({up, graph.crop_to(top, up)});
  graph.output_class_probability("np", make.conv(graph, graph.relu(make.conv(graph, joined, 16, 3, 1)), 2, 1, 0));
  const engine::Value smooth = graph.resize_bilinear2x(deep);
  graph.output_planar("hv", make.conv(graph, smooth, 2, 5, 2));
  return graph;
}

/// What a pre-activation network with a dense decoder is made of: strides, asymmetric padding, residual sums, groups,
/// valid convolutions with cropped skips, nearest-neighbour enlargement. Sides must be multiples of 4 above 32.
inline engine::Graph residual_graph() {
  GraphMaker make(7);
  engine::Graph graph;
  const engine::Value stem = graph.relu(make.norm(graph, make.conv(graph, graph.image(), 24, 5, 2)));
  const auto strided = [&](engine::Value x, std::int64_t out, std::int64_t kernel, std::int64_t after) {
    const std::int64_t in = graph.channels(x);
    const float scale = 1.5f / std::sqrt(static_cast<float>(in * kernel * kernel));
    return graph.conv2d("strided", x, make.tensor({out, in, kernel, kernel}, scale), Tensor(),
                        {.stride = 2, .pad_after = after});
  };
  engine::Value sum = graph.add(make.conv(graph, strided(stem, 16, 3, 1), 64, 1, 0), strided(stem, 64, 1, 0));
  for (int unit = 0; unit < 2; ++unit) {
    const engine::Value active = graph.relu(make.norm(graph, sum));
    sum = graph.add(make.conv(graph, active, 64, 3, 1), sum);
  }
  graph.tap("sum", sum);
  const engine::Value enlarged = graph.upsample_nearest2x(make.conv(graph, sum, 24, 1, 0));
  std::vector<engine::Value> features = {make.conv(graph, graph.add(enlarged, stem), 40, 3, 0)};
  for (int unit = 0; unit < 2; ++unit) {
    const engine::Value active = graph.relu(make.norm(graph, graph.concat(features)));
    const engine::Value narrow = graph.relu(make.norm(graph, make.conv(graph, active, 128, 1, 0)));
    const engine::Value fresh =
        graph.conv2d("grouped", narrow, make.tensor({32, 32, 3, 3}, 0.08f), Tensor(), {.groups = 4});
    for (engine::Value& feature : features) feature = graph.crop_to(feature, fresh);
    features.push_back(fresh);
  }
  const engine::Value last = graph.relu(make.norm(graph, graph.concat(features)));
  graph.output_class_probability("np", make.conv(graph, last, 2, 1, 0));
  graph.output_class_index("tp", make.conv(graph, last, 5, 1, 0));
  graph.output_planar("hv", make.conv(graph, last, 2, 1, 0));
  return graph;
}

}  // namespace histojet::test
