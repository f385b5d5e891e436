// before:  conv2d(w, b) -> batch_norm(gamma, beta, mean, var) -> ...
// after:   conv2d(w * s, (b - mean) * s + beta) -> ...          with s = gamma / sqrt(var + epsilon) per output channel
#include <cmath>

#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

void fold(Node& conv, const Node& norm) {
  const std::int64_t channels = conv.channels;
  const std::int64_t per_channel = conv.weight.size() / channels;
  Tensor weight(DType::kF32, conv.weight.shape());
  Tensor bias(DType::kF32, conv.bias.shape());
  for (std::int64_t n = 0; n < channels; ++n) {
    const auto i = static_cast<std::size_t>(n);
    const double scale = norm.weight.values<float>()[i] / std::sqrt(norm.variance.values<float>()[i] + norm.epsilon);
    const double shifted = static_cast<double>(conv.bias.values<float>()[i]) - norm.mean.values<float>()[i];
    bias.values<float>()[i] = static_cast<float>(shifted * scale + norm.bias.values<float>()[i]);
    const float* source = conv.weight.values<float>().data() + n * per_channel;
    float* target = weight.values<float>().data() + n * per_channel;
    for (std::int64_t k = 0; k < per_channel; ++k) target[k] = static_cast<float>(source[k] * scale);
  }
  conv.weight = std::move(weight);
  conv.bias = std::move(bias);
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  const std::vector<int> readers = reader_counts(graph.nodes());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    Node& norm = graph.nodes()[id];
    if (norm.kind != OpKind::kBatchNorm) continue;
    const int source = norm.inputs[0];
    Node& conv = graph.nodes()[static_cast<std::size_t>(source)];
    if (conv.kind != OpKind::kConv2d || conv.relu || readers[static_cast<std::size_t>(source)] != 1) continue;
    fold(conv, norm);
    redirect(graph, static_cast<int>(id), source);
  }
}

}  // namespace histojet::engine
