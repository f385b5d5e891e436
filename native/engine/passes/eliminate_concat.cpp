// before:  a, b -> concat -> conv2d
// after:   a, b -> conv2d with two inputs
#include "engine/passes/passes.hpp"

namespace histojet::engine {

void eliminate_concat(Graph& graph) {
  for (Node& node : graph.nodes()) {
    if (node.kind != OpKind::kConv2d && node.kind != OpKind::kConcat) continue;
    std::vector<int> parts;
    for (const int input : node.inputs) {
      const Node& source = graph.nodes()[static_cast<std::size_t>(input)];
      if (source.kind == OpKind::kConcat) {
        parts.insert(parts.end(), source.inputs.begin(), source.inputs.end());
      } else {
        parts.push_back(input);
      }
    }
    node.inputs = parts;
  }
}

}  // namespace histojet::engine
