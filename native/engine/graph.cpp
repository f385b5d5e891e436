#include "engine/graph.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace histojet::engine {
namespace {

void expect_shape(const std::string& name, const char* what, const Tensor& tensor, const Shape& expected) {
  if (tensor.dtype() != DType::kF32) throw Error(ErrorCode::kInvalidArgument, name + ": " + what + " is not float32");
  if (tensor.shape() == expected) return;
  throw Error(ErrorCode::kShapeMismatch,
              name + ": " + what + " has shape " + shape_text(tensor.shape()) + ", expected " + shape_text(expected));
}

}  // namespace

std::string_view op_name(OpKind kind) {
  switch (kind) {
    case OpKind::kImage:
      return "image";
    case OpKind::kConv2d:
      return "conv2d";
    case OpKind::kConvTranspose2x2:
      return "conv_transpose2x2";
    case OpKind::kBatchNorm:
      return "batch_norm";
    case OpKind::kRelu:
      return "relu";
    case OpKind::kAdd:
      return "add";
    case OpKind::kConcat:
      return "concat";
    case OpKind::kMaxPool2x2:
      return "max_pool2x2";
    case OpKind::kResizeBilinear2x:
      return "resize_bilinear2x";
    case OpKind::kUpsampleNearest2x:
      return "upsample_nearest2x";
    case OpKind::kCropTo:
      return "crop_to";
    case OpKind::kPointwise:
      return "pointwise";
    case OpKind::kClassProbability:
      return "class_probability";
    case OpKind::kClassIndex:
      return "class_index";
    case OpKind::kPlanar:
      return "planar";
  }
  return "unknown";
}

bool is_output(OpKind kind) {
  return kind == OpKind::kClassProbability || kind == OpKind::kClassIndex || kind == OpKind::kPlanar;
}

Value Graph::append(Node node) {
  nodes_.push_back(std::move(node));
  return Value{static_cast<int>(nodes_.size()) - 1};
}

const Node& Graph::at(Value x) const {
  if (x.id < 0 || x.id >= static_cast<int>(nodes_.size()) || is_output(nodes_[static_cast<std::size_t>(x.id)].kind)) {
    throw Error(ErrorCode::kInvalidArgument, "graph: value " + std::to_string(x.id) + " does not exist");
  }
  return nodes_[static_cast<std::size_t>(x.id)];
}

std::int64_t Graph::channels(Value x) const {
  return at(x).channels;
}

Value Graph::image() {
  return append({.kind = OpKind::kImage, .name = "image", .channels = 3});
}

Value Graph::conv2d(const std::string& name, Value x, Tensor weight, Tensor bias, const ConvGeometry& geometry) {
  const Shape& shape = weight.shape();
  const auto [stride, before, after, groups] = geometry;
  if (shape.size() != 4 || shape[0] < 1 || shape[2] < 1 || before < 0 || before >= shape[2] || after < 0 ||
      after >= shape[2]) {
    throw Error(ErrorCode::kShapeMismatch,
                name + ": weight has shape " + shape_text(shape) + ", expected [out, in, k, k] and padding below k");
  }
  if (stride < 1 || groups < 1 || channels(x) % groups != 0 || shape[0] % groups != 0) {
    throw Error(ErrorCode::kShapeMismatch, name + ": " + std::to_string(channels(x)) + " to " +
                                               std::to_string(shape[0]) + " channels in " + std::to_string(groups) +
                                               " groups with stride " + std::to_string(stride));
  }
  expect_shape(name, "weight", weight, {shape[0], channels(x) / groups, shape[2], shape[2]});
  parameter_count_ += weight.size();
  if (bias.size() == 0) {
    bias = Tensor(DType::kF32, {shape[0]});
    std::ranges::fill(bias.values<float>(), 0.0f);
  } else {
    expect_shape(name, "bias", bias, {shape[0]});
    parameter_count_ += bias.size();
  }
  const std::int64_t out = shape[0];
  const std::int64_t kernel = shape[2];
  return append({.kind = OpKind::kConv2d,
                 .name = name,
                 .inputs = {x.id},
                 .channels = out,
                 .kernel = kernel,
                 .geometry = geometry,
                 .weight = std::move(weight),
                 .bias = std::move(bias)});
}

Value Graph::conv_transpose2x2(const std::string& name, Value x, Tensor weight, Tensor bias) {
  if (weight.shape().size() != 4 || weight.shape()[1] < 1) {
    throw Error(ErrorCode::kShapeMismatch,
                name + ": weight has shape " + shape_text(weight.shape()) + ", expected [in, out, 2, 2]");
  }
  const std::int64_t out = weight.shape()[1];
  expect_shape(name, "weight", weight, {channels(x), out, 2, 2});
  expect_shape(name, "bias", bias, {out});
  parameter_count_ += weight.size() + bias.size();
  return append({.kind = OpKind::kConvTranspose2x2,
                 .name = name,
                 .inputs = {x.id},
                 .channels = out,
                 .kernel = 2,
                 .weight = std::move(weight),
                 .bias = std::move(bias)});
}

Value Graph::batch_norm(const std::string& name, Value x, Tensor gamma, Tensor beta, Tensor mean, Tensor variance,
                        double epsilon) {
  const Shape expected{channels(x)};
  expect_shape(name, "weight", gamma, expected);
  expect_shape(name, "bias", beta, expected);
  expect_shape(name, "running_mean", mean, expected);
  expect_shape(name, "running_var", variance, expected);
  parameter_count_ += gamma.size() + beta.size();
  return append({.kind = OpKind::kBatchNorm,
                 .name = name,
                 .inputs = {x.id},
                 .channels = expected[0],
                 .weight = std::move(gamma),
                 .bias = std::move(beta),
                 .mean = std::move(mean),
                 .variance = std::move(variance),
                 .epsilon = epsilon});
}

Value Graph::relu(Value x) {
  return append({.kind = OpKind::kRelu, .name = at(x).name, .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::add(Value a, Value b) {
  if (channels(a) != channels(b)) {
    throw Error(ErrorCode::kShapeMismatch, at(b).name + ": " + std::to_string(channels(b)) +
                                               " channels cannot be added to the " + std::to_string(channels(a)) +
                                               " of " + at(a).name);
  }
  return append({.kind = OpKind::kAdd, .name = at(a).name + ".sum", .inputs = {a.id, b.id}, .channels = channels(a)});
}

Value Graph::concat(const std::vector<Value>& values) {
  Node node{.kind = OpKind::kConcat, .name = "concat"};
  for (const Value value : values) {
    node.inputs.push_back(value.id);
    node.channels += channels(value);
  }
  return append(std::move(node));
}

Value Graph::max_pool2x2(Value x) {
  return append({.kind = OpKind::kMaxPool2x2, .name = at(x).name + ".pool", .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::resize_bilinear2x(Value x) {
  return append(
      {.kind = OpKind::kResizeBilinear2x, .name = at(x).name + ".x2", .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::upsample_nearest2x(Value x) {
  return append(
      {.kind = OpKind::kUpsampleNearest2x, .name = at(x).name + ".x2", .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::crop_to(Value x, Value like) {
  at(like);
  return append({.kind = OpKind::kCropTo,
                 .name = at(x).name + ".crop",
                 .inputs = {x.id},
                 .like = like.id,
                 .channels = channels(x)});
}

void Graph::output_class_probability(const std::string& name, Value logits) {
  if (channels(logits) < 2) {
    throw Error(ErrorCode::kShapeMismatch,
                name + ": " + std::to_string(channels(logits)) + " classes, expected 2 or more");
  }
  append({.kind = OpKind::kClassProbability, .name = name, .inputs = {logits.id}, .channels = 1});
}

void Graph::output_class_index(const std::string& name, Value logits) {
  append({.kind = OpKind::kClassIndex, .name = name, .inputs = {logits.id}, .channels = 1});
}

void Graph::output_planar(const std::string& name, Value x) {
  append({.kind = OpKind::kPlanar, .name = name, .inputs = {x.id}, .channels = channels(x)});
}

void Graph::tap(const std::string& name, Value x) {
  at(x);
  taps_[name] = x;
}

std::vector<int> reader_counts(const std::vector<Node>& nodes) {
  std::vector<int> counts(nodes.size(), 0);
  for (const Node& node : nodes) {
    for (const int input : node.inputs) ++counts[static_cast<std::size_t>(input)];
  }
  return counts;
}

}  // namespace histojet::engine
