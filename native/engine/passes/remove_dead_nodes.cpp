#include <utility>

#include "engine/passes/passes.hpp"

namespace histojet::engine {

void remove_dead_nodes(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  std::vector<bool> needed(nodes.size(), false);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (is_output(nodes[i].kind) || nodes[i].kind == OpKind::kImage) needed[i] = true;
    if (!needed[i]) continue;
    for (const int input : nodes[i].inputs) needed[static_cast<std::size_t>(input)] = true;
    if (nodes[i].like >= 0) needed[static_cast<std::size_t>(nodes[i].like)] = true;
    if (nodes[i].made_with >= 0) needed[static_cast<std::size_t>(nodes[i].made_with)] = true;
  }
  std::vector<int> renumbered(nodes.size(), -1);
  std::vector<Node> kept;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!needed[i]) continue;
    Node node = std::move(nodes[i]);
    for (int& input : node.inputs) input = renumbered[static_cast<std::size_t>(input)];
    if (node.like >= 0) node.like = renumbered[static_cast<std::size_t>(node.like)];
    if (node.made_with >= 0) node.made_with = renumbered[static_cast<std::size_t>(node.made_with)];
    renumbered[i] = static_cast<int>(kept.size());
    kept.push_back(std::move(node));
  }
  nodes = std::move(kept);
}

}  // namespace histojet::engine
