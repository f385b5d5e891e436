// before:  conv2d (adds x) -> sum -> ..., sum -> pointwise (batch norm, relu) -> ...
// after:   conv2d (adds x) -> sum -> ..., and beside it relu(scale * sum + shift) -> ...
//
// before:  conv2d (adds x) -> pointwise (batch norm, relu) -> ...
// after:   conv2d with both in its epilogue -> ...
//
// The pre-activation of a residual unit, and what ends a residual stage: a pass over a large map less, and in bfloat16
// one rounding less. Other convolutions keep theirs: the sum would have to be stored anyway, often in main memory, and
// a second large result beside it costs more than the pass. So it is where weights fill the second-level cache: chains
// are cut there, and the activated sum would pass through main memory.
#include <algorithm>

#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

/// Pixels of so few channels are taken in pairs by the kernel; their columns are not the channels.
constexpr std::int64_t kPairedChannels = 16;
/// Weights of the convolution up to which its reader may well share a chain with it; 1 MiB in bfloat16.
constexpr std::int64_t kMostWeights = std::int64_t{1} << 19;

bool is_residual_sum(const Graph& graph, const Node& node) {
  if (node.kind != OpKind::kConv2d || node.relu || node.scale.size() > 0) return false;
  if (!node.add_last && node.shortcut_stride == 0) return false;
  return std::ranges::all_of(node.inputs, [&](int input) {
    return graph.nodes()[static_cast<std::size_t>(input)].channels > kPairedChannels;
  });
}

bool is_activation(const Node& node) {
  return node.kind == OpKind::kPointwise && node.inputs.size() == 1 && !node.enlarge && node.relu &&
         node.weight.size() > 0;
}

}  // namespace

void fuse_activation(Graph& graph, bool beside) {
  remove_dead_nodes(graph);
  const std::vector<int> readers = reader_counts(graph.nodes());
  std::vector<bool> taken(graph.nodes().size());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    Node& active = graph.nodes()[id];
    if (!is_activation(active)) continue;
    const int source = active.inputs[0];
    Node& conv = graph.nodes()[static_cast<std::size_t>(source)];
    if (!is_residual_sum(graph, conv) || taken[static_cast<std::size_t>(source)]) continue;
    taken[static_cast<std::size_t>(source)] = true;
    if (readers[static_cast<std::size_t>(source)] > 1) {
      if (!beside || conv.weight.size() > kMostWeights) continue;
      active.made_with = source;
      continue;
    }
    conv.scale = active.weight;
    conv.shift = active.bias;
    redirect(graph, static_cast<int>(id), source);
  }
  gather_companions(graph);
}

}  // namespace histojet::engine
