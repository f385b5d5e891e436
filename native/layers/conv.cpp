#include "layers/conv.hpp"

namespace histojet::layers {

using engine::ConvGeometry;
using engine::Graph;
using engine::Value;
using weights::WeightScope;

namespace {

Tensor kernel_weight(const Graph& graph, Value x, const WeightScope& weights, std::int64_t out, std::int64_t kernel,
                     const ConvGeometry& geometry) {
  return weights.f32("weight", {out, graph.channels(x) / geometry.groups, kernel, kernel});
}

}  // namespace

Value conv2d(Graph& graph, Value x, const WeightScope& weights, std::int64_t out, std::int64_t kernel,
             const ConvGeometry& geometry) {
  return graph.conv2d(weights.full_name(""), x, kernel_weight(graph, x, weights, out, kernel, geometry),
                      weights.f32("bias", {out}), geometry);
}

Value conv2d_without_bias(Graph& graph, Value x, const WeightScope& weights, std::int64_t out, std::int64_t kernel,
                          const ConvGeometry& geometry) {
  return graph.conv2d(weights.full_name(""), x, kernel_weight(graph, x, weights, out, kernel, geometry), Tensor(),
                      geometry);
}

Value conv_transpose2x2(Graph& graph, Value x, const WeightScope& weights, std::int64_t out) {
  Tensor weight = weights.f32("weight", {graph.channels(x), out, 2, 2});
  return graph.conv_transpose2x2(weights.full_name(""), x, std::move(weight), weights.f32("bias", {out}));
}

Value batch_norm(Graph& graph, Value x, const WeightScope& weights) {
  const Shape shape{graph.channels(x)};
  return graph.batch_norm(weights.full_name(""), x, weights.f32("weight", shape), weights.f32("bias", shape),
                          weights.f32("running_mean", shape), weights.f32("running_var", shape), 1e-5);
}

}  // namespace histojet::layers
