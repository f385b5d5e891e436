#include "layers/residual_block.hpp"

#include <string>

#include "layers/conv.hpp"
#include "layers/tf_same_padding.hpp"

namespace histojet::layers {

using engine::Graph;
using engine::Value;
using weights::WeightScope;

namespace {

/// The three convolutions of one unit.
Value unit(Graph& graph, Value x, const WeightScope& weights, const ResidualBlockConfig& config, std::int64_t stride) {
  x = conv2d_without_bias(graph, x, weights.scope("conv1"), config.inner, 1);
  x = graph.relu(batch_norm(graph, x, weights.scope("conv1/bn")));
  x = conv2d_without_bias(graph, x, weights.scope("conv2"), config.inner, 3, tf_same_padding(3, stride));
  x = graph.relu(batch_norm(graph, x, weights.scope("conv2/bn")));
  return conv2d_without_bias(graph, x, weights.scope("conv3"), config.out, 1);
}

}  // namespace

Value residual_block(Graph& graph, Value x, const WeightScope& weights, const ResidualBlockConfig& config) {
  const WeightScope units = weights.scope("units");
  const Value shortcut =
      conv2d_without_bias(graph, x, weights.scope("shortcut"), config.out, 1, {.stride = config.stride});
  Value sum = graph.add(unit(graph, x, units.scope("0"), config, config.stride), shortcut);
  for (std::int64_t u = 1; u < config.units; ++u) {
    const WeightScope own = units.scope(std::to_string(u));
    const Value active = graph.relu(batch_norm(graph, sum, own.scope("preact/bn")));
    sum = graph.add(unit(graph, active, own, config, 1), sum);
  }
  return graph.relu(batch_norm(graph, sum, weights.scope("blk_bna.bn")));
}

}  // namespace histojet::layers
