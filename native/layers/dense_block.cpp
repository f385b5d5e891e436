#include "layers/dense_block.hpp"

#include <string>
#include <vector>

#include "layers/conv.hpp"

namespace histojet::layers {

using engine::Graph;
using engine::Value;
using weights::WeightScope;

namespace {

/// All features side by side, each cut to the size of the last. They are kept whole and cut afresh for every unit: a
/// crop of a crop would only hide from the engine that all are views of one result.
Value joined(Graph& graph, const std::vector<Value>& features) {
  if (features.size() == 1) return features[0];
  std::vector<Value> centres;
  for (std::size_t i = 0; i + 1 < features.size(); ++i) centres.push_back(graph.crop_to(features[i], features.back()));
  centres.push_back(features.back());
  return graph.concat(centres);
}

}  // namespace

Value dense_block(Graph& graph, Value x, const WeightScope& weights, const DenseBlockConfig& config) {
  std::vector<Value> features{x};
  for (std::int64_t u = 0; u < config.units; ++u) {
    const WeightScope unit = weights.scope("units").scope(std::to_string(u));
    Value y = graph.relu(batch_norm(graph, joined(graph, features), unit.scope("preact_bna/bn")));
    y = conv2d_without_bias(graph, y, unit.scope("conv1"), config.inner, 1);
    y = graph.relu(batch_norm(graph, y, unit.scope("conv1/bn")));
    features.push_back(
        conv2d_without_bias(graph, y, unit.scope("conv2"), config.growth, config.kernel, {.groups = config.groups}));
  }
  return graph.relu(batch_norm(graph, joined(graph, features), weights.scope("blk_bna.bn")));
}

}  // namespace histojet::layers
