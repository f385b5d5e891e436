// before:  x -> upsample_nearest2x -> add(y) -> a, x -> upsample_nearest2x -> add(y) -> b
// after:   x -> upsample_nearest2x -> add(y) -> a, b
//
// Decoders that start alike each say so; what has no weights of its own is computed once.
#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

bool is_shareable(OpKind kind) {
  return kind == OpKind::kAdd || kind == OpKind::kRelu || kind == OpKind::kMaxPool2x2 || kind == OpKind::kCropTo ||
         kind == OpKind::kResizeBilinear2x || kind == OpKind::kUpsampleNearest2x;
}

bool equal(const Node& a, const Node& b) {
  return a.kind == b.kind && a.inputs == b.inputs && a.like == b.like;
}

}  // namespace

void share_equal_nodes(Graph& graph) {
  const std::vector<Node>& nodes = graph.nodes();
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    if (!is_shareable(nodes[id].kind)) continue;
    for (std::size_t twin = id + 1; twin < nodes.size(); ++twin) {
      if (equal(nodes[id], nodes[twin])) redirect(graph, static_cast<int>(twin), static_cast<int>(id));
    }
  }
}

}  // namespace histojet::engine
