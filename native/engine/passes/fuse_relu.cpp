// before:  conv2d -> relu -> ...
// after:   conv2d with ReLU in its epilogue -> ...
#include "engine/passes/passes.hpp"

namespace histojet::engine {

void fuse_relu(Graph& graph) {
  remove_dead_nodes(graph);
  const std::vector<int> readers = reader_counts(graph.nodes());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (graph.nodes()[id].kind != OpKind::kRelu) continue;
    const int source = graph.nodes()[id].inputs[0];
    Node& conv = graph.nodes()[static_cast<std::size_t>(source)];
    if (conv.kind != OpKind::kConv2d || readers[static_cast<std::size_t>(source)] != 1) continue;
    conv.relu = true;
    redirect(graph, static_cast<int>(id), source);
  }
}

}  // namespace histojet::engine
