#include "layers/conv_block.hpp"

#include <string>

#include "layers/conv.hpp"

namespace histojet::layers {

using engine::Graph;
using engine::Value;
using weights::WeightScope;

Value conv_block(Graph& graph, Value x, const WeightScope& weights, std::int64_t out, const ConvBlockConfig& config) {
  const WeightScope block = weights.scope("block");
  const std::int64_t padding = config.padding ? config.kernel / 2 : 0;
  int index = 0;
  for (int repeat = 0; repeat < 2; ++repeat) {
    x = conv2d(graph, x, block.scope(std::to_string(index++)), out, config.kernel,
               engine::ConvGeometry::padded(padding));
    if (config.batch_norm) x = batch_norm(graph, x, block.scope(std::to_string(index++)));
    x = graph.relu(x);
    ++index;
  }
  return x;
}

}  // namespace histojet::layers
