#include "engine/passes/passes.hpp"

namespace histojet::engine {

void redirect(Graph& graph, int from, int to) {
  for (Node& node : graph.nodes()) {
    for (int& input : node.inputs) {
      if (input == from) input = to;
    }
    if (node.like == from) node.like = to;
    if (node.made_with == from) node.made_with = to;
  }
}

}  // namespace histojet::engine
