#include "models/hoverfast.hpp"

#include <utility>
#include <vector>

#include "layers/conv.hpp"
#include "layers/conv_block.hpp"
#include "layers/ms_conv_block.hpp"
#include "models/compiled_network.hpp"
#include "models/recognise.hpp"

namespace histojet::models {

using engine::Graph;
using engine::Value;
using weights::WeightScope;

namespace {

Value block(Graph& graph, Value x, const WeightScope& weights, std::int64_t out, const HoverFastConfig& config) {
  if (config.conv_block == BlockKind::kMsunet) return layers::ms_conv_block(graph, x, weights, out, config.batch_norm);
  return layers::conv_block(graph, x, weights, out, {.padding = config.padding, .batch_norm = config.batch_norm});
}

/// One of the two decoders, from the bottleneck up; `path` is "up_path" or "up_path_m".
Value decoder(Graph& graph, Value x, const std::vector<Value>& skips, const WeightScope& root, const std::string& path,
              const HoverFastConfig& config) {
  for (std::int64_t step = 0; step < config.depth - 1; ++step) {
    const std::int64_t level = config.depth - 2 - step;
    const WeightScope weights = root.scope(path).scope(std::to_string(step));
    const Value up = layers::upsample(graph, x, weights.scope("up"), config.channels(level), config.up_mode);
    const Value joined = layers::join_skip(graph, up, skips[static_cast<std::size_t>(level)]);
    x = block(graph, joined, weights.scope("conv_block"), config.channels(level), config);
    graph.tap(path + "." + std::to_string(step), x);
  }
  return x;
}

}  // namespace

// HoverFast (Liakopoulos et al. 2025; choosehappy/HoverFast hoverfast/hoverfast.py): a U-Net with one encoder and two
// decoders of the same form. Keys: down_path.<level>, up_path.<step>, up_path_m.<step>, last, last_m.
Graph build_hoverfast(const WeightScope& root, const HoverFastConfig& config) {
  Graph graph;
  Value x = graph.image();
  std::vector<Value> skips;
  for (std::int64_t level = 0; level < config.depth; ++level) {
    x = block(graph, x, root.scope("down_path").scope(std::to_string(level)), config.channels(level), config);
    graph.tap("down_path." + std::to_string(level), x);
    if (level == config.depth - 1) break;
    skips.push_back(x);
    x = graph.max_pool2x2(x);
  }
  const Value nuclei = decoder(graph, x, skips, root, "up_path", config);
  const Value logits = layers::conv2d(graph, nuclei, root.scope("last"), config.n_classes, 1);
  graph.tap("logits", logits);
  graph.output_class_probability("np", logits);
  const Value distances = decoder(graph, x, skips, root, "up_path_m", config);
  graph.output_planar("hv", layers::conv2d(graph, distances, root.scope("last_m"), 2, 1));
  return graph;
}

std::shared_ptr<const NucleiNetwork> load_hoverfast(std::shared_ptr<const weights::StateDict> dict,
                                                    const LoadOptions& options) {
  expect_architecture(dict, Architecture::kHoverFast);
  const WeightScope root = hoverfast_root(dict);
  const HoverFastConfig config = hoverfast_config(root, dict->metadata());
  NetworkInfo info{.architecture = "hoverfast", .config = config_json(config)};
  info.origin_multiple = std::int64_t{1} << (config.depth - 1);
  info.margin_px = ceil_div(config.receptive_field_px(), info.origin_multiple) * info.origin_multiple;
  info.mpp = mpp_of(dict->metadata(), 0.25);
  return std::make_shared<CompiledNetwork>(build_hoverfast(root, config), std::move(info), options);
}

}  // namespace histojet::models
