// before:  a, b -> concat -> batch_norm -> relu -> crop_to -> conv2d
// after:   a -> batch_norm -> relu -> crop_to, b -> batch_norm -> relu -> crop_to; both -> conv2d with two inputs
#include "base/error.hpp"
#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

Tensor slice(const Tensor& values, std::int64_t first, std::int64_t count) {
  if (values.size() == 0) return {};
  const std::span<const float> all = values.values<float>();
  return Tensor::from_f32(all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), {count});
}

bool works_on_channels_alone(OpKind kind) {
  return kind == OpKind::kBatchNorm || kind == OpKind::kRelu || kind == OpKind::kCropTo;
}

/// Copies a graph in which a value may have become several, side by side in the channels.
class Splitter {
 public:
  explicit Splitter(const std::vector<Node>& nodes) : old_(nodes) {
    for (const Node& node : nodes) parts_.push_back(copy(node));
  }
  std::vector<Node> take() { return std::move(new_); }
  const std::vector<int>& parts(int old_id) const { return parts_[static_cast<std::size_t>(old_id)]; }

 private:
  std::vector<int> copy(const Node& node) {
    std::vector<int> inputs;
    for (const int input : node.inputs) inputs.insert(inputs.end(), parts(input).begin(), parts(input).end());
    if (node.kind == OpKind::kConcat) return inputs;
    Node twin = node;
    twin.inputs = inputs;
    if (node.like >= 0) twin.like = parts(node.like).front();
    if (works_on_channels_alone(node.kind) && inputs.size() > 1) return copy_per_part(node, twin);
    const bool takes_parts = node.kind == OpKind::kConv2d || node.kind == OpKind::kPlanar;
    if (!takes_parts && inputs.size() != node.inputs.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "engine: " + node.name + ": " + std::string(op_name(node.kind)) + " cannot read a concat");
    }
    return {append(std::move(twin))};
  }

  std::vector<int> copy_per_part(const Node& node, const Node& twin) {
    std::vector<int> made;
    std::int64_t first = 0;
    for (const int part : twin.inputs) {
      Node piece = twin;
      piece.inputs = {part};
      piece.channels = new_[static_cast<std::size_t>(part)].channels;
      piece.weight = slice(node.weight, first, piece.channels);
      piece.bias = slice(node.bias, first, piece.channels);
      piece.mean = slice(node.mean, first, piece.channels);
      piece.variance = slice(node.variance, first, piece.channels);
      first += piece.channels;
      made.push_back(append(std::move(piece)));
    }
    return made;
  }

  int append(Node node) {
    new_.push_back(std::move(node));
    return static_cast<int>(new_.size()) - 1;
  }

  const std::vector<Node>& old_;
  std::vector<Node> new_;
  std::vector<std::vector<int>> parts_;
};

}  // namespace

void split_concat(Graph& graph) {
  graph.nodes() = Splitter(graph.nodes()).take();
}

}  // namespace histojet::engine
