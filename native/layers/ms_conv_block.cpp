#include "layers/ms_conv_block.hpp"

#include "layers/conv.hpp"
#include "layers/conv_block.hpp"

namespace histojet::layers {

engine::Value ms_conv_block(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                            std::int64_t out, bool batch_norm) {
  const auto fine = conv_block(graph, x, weights.scope("conv_3"), out, {.kernel = 3, .batch_norm = batch_norm});
  const auto coarse = conv_block(graph, x, weights.scope("conv_7"), out, {.kernel = 7, .batch_norm = batch_norm});
  return conv2d(graph, graph.concat({fine, coarse}), weights.scope("conv"), out, 1);
}

}  // namespace histojet::layers
