#include "engine/program.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/passes/passes.hpp"
#include "kernels/conv_transpose2x2/conv_transpose2x2.hpp"

namespace histojet::engine {
namespace {

void add_taps(Graph& graph, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto tap = graph.taps().find(name);
    if (tap == graph.taps().end())
      throw Error(ErrorCode::kInvalidArgument, "engine: no tap is called \"" + name + "\"");
    graph.output_planar(name, tap->second);
  }
}

void run_passes(Graph& graph) {
  fold_batch_norm(graph);
  fuse_relu(graph);
  eliminate_concat(graph);
  remove_dead_nodes(graph);
}

void refuse_leftovers(const Graph& graph) {
  int images = 0;
  for (const Node& node : graph.nodes()) {
    images += node.kind == OpKind::kImage;
    if (node.kind == OpKind::kBatchNorm || node.kind == OpKind::kRelu || node.kind == OpKind::kConcat) {
      throw Error(ErrorCode::kInvalidArgument, "engine: " + node.name + ": " + std::string(op_name(node.kind)) +
                                                   " has no kernel of its own and fuses with none of its neighbours");
    }
  }
  if (images != 1) {
    throw Error(ErrorCode::kInvalidArgument, "engine: the graph has " + std::to_string(images) + " images, expected 1");
  }
}

std::int64_t pixel_stride_of(const Node& node) {
  if (is_output(node.kind)) return 0;
  return node.kind == OpKind::kImage ? node.channels : kernels::padded_channels(node.channels);
}

void pack_conv(const Node& node, const std::vector<ProgramNode>& done, std::int64_t panel_columns, ProgramNode& out) {
  std::vector<kernels::ConvInput> inputs;
  std::vector<std::int64_t> channels;
  for (const int id : node.inputs) {
    const ProgramNode& input = done[static_cast<std::size_t>(id)];
    inputs.push_back({input.channels, input.pixel_stride});
    channels.push_back(input.channels);
  }
  out.steps = kernels::conv2d_steps(inputs, node.kernel);
  out.uniform_pixel_stride = inputs[0].pixel_stride;
  for (const kernels::ConvInput& input : inputs) {
    if (input.pixel_stride != out.uniform_pixel_stride) out.uniform_pixel_stride = 0;
  }
  out.weights[0] = kernels::pack_conv2d(node.weight.values<float>(), node.bias.values<float>(), channels, node.kernel,
                                        panel_columns);
}

void pack_transposed(const Node& node, const std::vector<ProgramNode>& done, std::int64_t panel_columns,
                     ProgramNode& out) {
  const ProgramNode& input = done[static_cast<std::size_t>(node.inputs[0])];
  const kernels::ConvInput conv_input{input.channels, input.pixel_stride};
  out.steps = kernels::conv2d_steps({&conv_input, 1}, 1);
  out.uniform_pixel_stride = input.pixel_stride;
  out.weights = kernels::pack_conv_transpose2x2(node.weight.values<float>(), node.bias.values<float>(), input.channels,
                                                panel_columns);
}

}  // namespace

std::shared_ptr<const Program> Program::compile(Graph graph, const CompileOptions& options) {
  add_taps(graph, options.taps);
  run_passes(graph);
  refuse_leftovers(graph);
  auto program = std::make_shared<Program>();
  program->isa_ = std::min(options.isa, detected_isa());
  const std::int64_t panel_columns = kernels::conv2d_panel_columns(program->isa_);
  for (const Node& node : graph.nodes()) {
    ProgramNode out{.kind = node.kind,
                    .name = node.name,
                    .inputs = node.inputs,
                    .like = node.like,
                    .channels = node.channels,
                    .pixel_stride = pixel_stride_of(node),
                    .kernel = node.kernel,
                    .padding = node.padding,
                    .relu = node.relu};
    if (node.kind == OpKind::kConv2d) pack_conv(node, program->nodes_, panel_columns, out);
    if (node.kind == OpKind::kConvTranspose2x2) pack_transposed(node, program->nodes_, panel_columns, out);
    program->nodes_.push_back(std::move(out));
  }
  return program;
}

std::int64_t Program::weight_bytes() const {
  std::int64_t bytes = 0;
  for (const ProgramNode& node : nodes_) bytes += node.weight_bytes();
  return bytes;
}

}  // namespace histojet::engine
