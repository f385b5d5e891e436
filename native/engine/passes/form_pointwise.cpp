// before:  x -> upsample_nearest2x -> add(y) -> batch_norm -> relu
// after:   x, y -> pointwise: relu(scale * (x enlarged + y) + shift)
//
// What folded into a convolution before is gone by now; this takes what is left, alone or in runs whose inner values
// nobody else reads.
#include <cmath>

#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

bool is_pointwise(OpKind kind) {
  return kind == OpKind::kAdd || kind == OpKind::kBatchNorm || kind == OpKind::kRelu ||
         kind == OpKind::kUpsampleNearest2x;
}

void norm_to_scale(Node& node) {
  Tensor scale(DType::kF32, {node.channels});
  Tensor shift(DType::kF32, {node.channels});
  for (std::size_t c = 0; c < static_cast<std::size_t>(node.channels); ++c) {
    const double factor = node.weight.values<float>()[c] / std::sqrt(node.variance.values<float>()[c] + node.epsilon);
    scale.values<float>()[c] = static_cast<float>(factor);
    shift.values<float>()[c] = static_cast<float>(node.bias.values<float>()[c] - node.mean.values<float>()[c] * factor);
  }
  node.weight = std::move(scale);
  node.bias = std::move(shift);
  node.mean = {};
  node.variance = {};
}

bool only_enlarges(const Node& node) {
  return node.kind == OpKind::kPointwise && node.enlarge && node.inputs.size() == 1 && node.weight.size() == 0 &&
         !node.relu;
}

class Merger {
 public:
  explicit Merger(Graph& graph) : graph_(graph), readers_(reader_counts(graph.nodes())) {}

  void merge(int id) {
    Node& node = at(id);
    const OpKind kind = node.kind;
    node.kind = OpKind::kPointwise;
    if (kind == OpKind::kUpsampleNearest2x) node.enlarge = true;
    if (kind == OpKind::kRelu) node.relu = true;
    if (kind == OpKind::kBatchNorm) norm_to_scale(node);
    if (kind == OpKind::kAdd) return take_enlargement(node);
    const int source = node.inputs[0];
    Node& before = at(source);
    if (before.kind != OpKind::kPointwise || readers_[static_cast<std::size_t>(source)] != 1 || before.relu) return;
    if (kind == OpKind::kUpsampleNearest2x || (kind == OpKind::kBatchNorm && before.weight.size() > 0)) return;
    node.inputs = before.inputs;
    node.enlarge = before.enlarge;
    if (kind == OpKind::kRelu) {
      node.weight = before.weight;
      node.bias = before.bias;
    }
  }

 private:
  Node& at(int id) { return graph_.nodes()[static_cast<std::size_t>(id)]; }

  void take_enlargement(Node& sum) {
    for (std::size_t i = 0; i < 2; ++i) {
      const int source = sum.inputs[i];
      if (!only_enlarges(at(source)) || readers_[static_cast<std::size_t>(source)] != 1) continue;
      sum.inputs = {at(source).inputs[0], sum.inputs[1 - i]};
      sum.enlarge = true;
      return;
    }
  }

  Graph& graph_;
  std::vector<int> readers_;
};

}  // namespace

void form_pointwise(Graph& graph) {
  remove_dead_nodes(graph);
  Merger merger(graph);
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (is_pointwise(graph.nodes()[id].kind)) merger.merge(static_cast<int>(id));
  }
}

}  // namespace histojet::engine
