#include "engine/passes/passes.hpp"

namespace histojet::engine {

void redirect(Graph& graph, int from, int to) {
  for (Node& node : graph.nodes()) {
    for (int& input : node.inputs) {
      if (input == from) input = to;
    }
    if (node.like == from) node.like = to;
  }
}

}  // namespace histojet::engine
