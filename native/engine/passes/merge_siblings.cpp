// before:  x -> conv2d a -> ..., x -> conv2d b -> ... somewhere later
// after:   x -> conv2d a and b in one step, each into its own result -> ...
//
// The first convolutions of several decoders: rows of the input come into the cache once.
#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

bool is_plain_convolution(const Node& node) {
  return node.kind == OpKind::kConv2d && !node.add_last && node.shortcut_stride == 0 && node.scale.size() == 0 &&
         node.made_with < 0;
}

bool are_siblings(const Node& a, const Node& b) {
  return a.inputs == b.inputs && a.kernel == b.kernel && a.geometry == b.geometry;
}

}  // namespace

void merge_siblings(Graph& graph) {
  remove_dead_nodes(graph);
  std::vector<Node>& nodes = graph.nodes();
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    if (!is_plain_convolution(nodes[id])) continue;
    for (std::size_t other = id + 1; other < nodes.size(); ++other) {
      if (!is_plain_convolution(nodes[other]) || !are_siblings(nodes[id], nodes[other])) continue;
      nodes[other].made_with = static_cast<int>(id);
    }
  }
  gather_companions(graph);
}

}  // namespace histojet::engine
