// before:  conv2d, x -> pointwise (sum, relu) -> ...
// after:   x -> conv2d that adds x, then relu -> ...
//
// before:  conv2d 1x1 of a, conv2d 1x1 of b (any stride) -> pointwise (sum, relu) -> ...
// after:   a, b -> conv2d 1x1 of both, then relu -> ...
//
// The second form is the first unit of a residual stage: its shortcut is never written. A batch norm of the sum stays a
// pointwise operation of its own.
#include <algorithm>
#include <functional>

#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

bool can_add(const Node& node, int readers) {
  return node.kind == OpKind::kConv2d && readers == 1 && !node.relu && !node.add_last;
}

bool is_plain_1x1(const Node& node) {
  const auto [stride, before, after, groups] = node.geometry;
  return node.kernel == 1 && before == 0 && after == 0 && groups == 1 && node.inputs.size() == 1;
}

/// The sum of both as one convolution of both inputs.
bool can_join(const Node& conv, const Node& shortcut, int shortcut_readers) {
  return is_plain_1x1(conv) && conv.geometry.stride == 1 && can_add(shortcut, shortcut_readers) &&
         is_plain_1x1(shortcut);
}

Tensor joined_weights(const Tensor& a, const Tensor& b) {
  const std::int64_t out = a.shape()[0];
  const std::int64_t counts[] = {a.shape()[1], b.shape()[1]};
  Tensor joined(DType::kF32, {out, counts[0] + counts[1], 1, 1});
  auto to = joined.values<float>().begin();
  for (std::int64_t n = 0; n < out; ++n) {
    to =
        std::ranges::copy(
            a.values<float>().subspan(static_cast<std::size_t>(n * counts[0]), static_cast<std::size_t>(counts[0])), to)
            .out;
    to =
        std::ranges::copy(
            b.values<float>().subspan(static_cast<std::size_t>(n * counts[1]), static_cast<std::size_t>(counts[1])), to)
            .out;
  }
  return joined;
}

void join(Node& conv, const Node& shortcut) {
  conv.inputs.push_back(shortcut.inputs[0]);
  conv.shortcut_stride = shortcut.geometry.stride;
  conv.weight = joined_weights(conv.weight, shortcut.weight);
  Tensor bias(DType::kF32, conv.bias.shape());  // copies of a graph share the values of the old one
  std::ranges::transform(conv.bias.values<float>(), shortcut.bias.values<float>(), bias.values<float>().begin(),
                         std::plus());
  conv.bias = std::move(bias);
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
    const Node& other = graph.nodes()[static_cast<std::size_t>(addend)];
    if (can_join(conv, other, readers[static_cast<std::size_t>(addend)])) {
      join(conv, other);
    } else {
      conv.inputs.push_back(addend);
      conv.add_last = true;
    }
    if (sum.weight.size() > 0) {
      sum.inputs = {conv_id};
    } else {
      conv.relu = sum.relu;
      redirect(graph, static_cast<int>(id), conv_id);
    }
  }
}

}  // namespace histojet::engine
