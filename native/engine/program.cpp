#include "engine/program.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/pack_convolutions.hpp"
#include "engine/passes/passes.hpp"

namespace histojet::engine {
namespace {

using kernels::Storage;

constexpr std::int64_t kLine = 64;
constexpr std::int64_t kImageTilePixelBytes = 8;  // R, G, B, 0

void add_taps(Graph& graph, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto tap = graph.taps().find(name);
    if (tap == graph.taps().end())
      throw Error(ErrorCode::kInvalidArgument, "engine: no tap is called \"" + name + "\"");
    graph.output_planar(name, tap->second);
  }
}

void run_passes(Graph& graph, bool on_tiles, const CompileOptions& options) {
  remove_dead_nodes(graph);
  split_concat(graph);
  share_equal_nodes(graph);
  fold_batch_norm(graph);
  fuse_relu(graph);
  form_pointwise(graph);
  fuse_sum(graph);
  if (options.several_results && on_tiles) fuse_activation(graph, options.activated_beside);
  if (options.several_results) merge_siblings(graph);
  remove_dead_nodes(graph);
}

void check_image(const Graph& graph) {
  const auto images = std::ranges::count(graph.nodes(), OpKind::kImage, &Node::kind);
  if (images != 1) {
    throw Error(ErrorCode::kInvalidArgument, "engine: the graph has " + std::to_string(images) + " images, expected 1");
  }
  for (const Node& node : graph.nodes()) {
    if (node.kind == OpKind::kConv2d) continue;
    for (const int input : node.inputs) {
      if (graph.nodes()[static_cast<std::size_t>(input)].kind != OpKind::kImage) continue;
      throw Error(ErrorCode::kInvalidArgument, "engine: " + node.name + ": only convolutions read the image, not " +
                                                   std::string(op_name(node.kind)));
    }
  }
}

Storage storage_of(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return Storage::kFloat32;
    case Precision::kHigh:
      return Storage::kSplit;
    case Precision::kFast:
      return Storage::kBfloat16;
  }
  return Storage::kFloat32;
}

/// Convolutions that only outputs read hand on float32: nothing is gained by rounding there.
std::vector<bool> find_heads(const std::vector<Node>& nodes) {
  std::vector<bool> heads(nodes.size());
  for (std::size_t id = 0; id < nodes.size(); ++id)
    heads[id] = nodes[id].kind == OpKind::kConv2d && !nodes[id].add_last;
  for (const Node& node : nodes) {
    if (is_output(node.kind)) continue;
    for (const int input : node.inputs) heads[static_cast<std::size_t>(input)] = false;
  }
  return heads;
}

/// The lines of neighbouring pixels that a block takes together must not fall into the same few sets of the first-level
/// cache, which repeat after 4 KiB: a block of floats has 14 pixels, one of tiles 32 and as many results.
std::int64_t unaliased(std::int64_t pixel_bytes, Storage storage) {
  const std::int64_t alias = storage == Storage::kFloat32 ? 4096 : 1024;
  return pixel_bytes % alias == 0 ? pixel_bytes + kLine : pixel_bytes;
}

std::int64_t pixel_bytes_of(const ProgramNode& node) {
  if (is_output(node.kind)) return 0;
  if (node.kind != OpKind::kImage)
    return unaliased(kernels::element_bytes(node.storage) * node.columns(), node.storage);
  return node.storage == Storage::kFloat32 ? kernels::element_bytes(node.storage) * node.channels
                                           : kImageTilePixelBytes;
}

AlignedBuffer<float> padded_copy(const Tensor& values, std::int64_t count) {
  if (values.size() == 0) return nullptr;
  auto copy = make_aligned<float>(static_cast<std::size_t>(count));
  std::fill_n(copy.get(), count, 0.0f);
  std::ranges::copy(values.values<float>(), copy.get());
  return copy;
}

}  // namespace

std::int64_t ConvPart::weight_bytes() const {
  return (weights.panels ? weights.byte_size() : 0) + (tiles.tiles ? tiles.byte_size() : 0);
}

std::int64_t ProgramNode::weight_bytes() const {
  std::int64_t bytes = scale ? 2 * stored_channels() * static_cast<std::int64_t>(sizeof(float)) : 0;
  for (const ConvPart& part : parts) bytes += part.weight_bytes();
  return bytes;
}

std::shared_ptr<const Program> Program::compile(Graph graph, const CompileOptions& options) {
  add_taps(graph, options.taps);
  auto program = std::make_shared<Program>();
  program->isa_ = std::min(options.isa, detected_isa());
  program->precision_ = options.emulate_tiles ? options.precision : offered_precision(options.precision, program->isa_);
  run_passes(graph, program->precision_ != Precision::kFloat32, options);
  check_image(graph);
  const std::int64_t panel_columns = kernels::conv2d_panel_columns(program->isa_);
  const std::vector<bool> heads = find_heads(graph.nodes());
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    ProgramNode out{.kind = node.kind,
                    .name = node.name,
                    .inputs = node.inputs,
                    .like = node.like,
                    .channels = node.channels,
                    .storage = storage_of(program->precision_),
                    .kernel = node.kernel,
                    .geometry = node.geometry,
                    .relu = node.relu,
                    .enlarge = node.enlarge,
                    .add_last = node.add_last,
                    .shortcut_stride = node.shortcut_stride,
                    .made_with = node.made_with};
    if (heads[id]) out.storage = Storage::kFloat32;
    // Bytes are whole numbers, which one bfloat16 holds.
    if (node.kind == OpKind::kImage && out.storage == Storage::kSplit) out.storage = Storage::kBfloat16;
    out.pixel_bytes = pixel_bytes_of(out);
    if (node.kind == OpKind::kPointwise) {
      out.scale = padded_copy(node.weight, out.stored_channels());
      out.shift = padded_copy(node.bias, out.stored_channels());
    }
    if (node.kind == OpKind::kConv2d || node.kind == OpKind::kConvTranspose2x2) {
      out.scale = padded_copy(node.scale, out.stored_channels());
      out.shift = padded_copy(node.shift, out.stored_channels());
      pack_convolution(node, program->nodes_, panel_columns, program->precision_, out);
    }
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
