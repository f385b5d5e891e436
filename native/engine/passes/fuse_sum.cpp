// before:  conv2d, x -> pointwise (sum, relu) -> ...
// after:   x -> conv2d that adds x, then relu -> ...
//
// A batch norm of the sum stays a pointwise operation of its own.
#include <algorithm>

#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

bool can_add(const Node& node, int readers) {
  return node.kind == OpKind::kConv2d && readers == 1 && !node.relu && !node.add_last;
}

}  // namespace

void fuse_sum(Graph& graph) {
  remove_dead_nodes(graph);
  const std::vector<int> readers = reader_counts(graph.nodes());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    Node& sum = graph.nodes()[id];
    if (sum.kind != OpKind::kPointwise || sum.inputs.size() != 2 || sum.enlarge) continue;
    // The later of the two, so that what it adds is there.
    const int conv_id = std::max(sum.inputs[0], sum.inputs[1]);
    const int addend = std::min(sum.inputs[0], sum.inputs[1]);
    Node& conv = graph.nodes()[static_cast<std::size_t>(conv_id)];
    if (conv_id == addend || !can_add(conv, readers[static_cast<std::size_t>(conv_id)])) continue;
    conv.inputs.push_back(addend);
    conv.add_last = true;
    if (sum.weight.size() > 0) {
      sum.inputs = {conv_id};
    } else {
      conv.relu = sum.relu;
      redirect(graph, static_cast<int>(id), conv_id);
    }
  }
}

}  // namespace histojet::engine
