#include "layers/upsample.hpp"

#include "layers/conv.hpp"

namespace histojet::layers {

using engine::Graph;
using engine::Value;

Value upsample(Graph& graph, Value x, const weights::WeightScope& weights, std::int64_t out, UpMode mode) {
  if (mode == UpMode::kUpconv) return conv_transpose2x2(graph, x, weights, out);
  return conv2d(graph, graph.resize_bilinear2x(x), weights.scope("1"), out, 1);
}

Value join_skip(Graph& graph, Value up, Value skip) {
  return graph.concat({up, graph.crop_to(skip, up)});
}

}  // namespace histojet::layers
