#include "engine/graph.hpp"

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
    case OpKind::kConcat:
      return "concat";
    case OpKind::kMaxPool2x2:
      return "max_pool2x2";
    case OpKind::kResizeBilinear2x:
      return "resize_bilinear2x";
    case OpKind::kCropTo:
      return "crop_to";
    case OpKind::kClassProbability:
      return "class_probability";
    case OpKind::kPlanar:
      return "planar";
  }
  return "unknown";
}

bool is_output(OpKind kind) {
  return kind == OpKind::kClassProbability || kind == OpKind::kPlanar;
}

Value Graph::add(Node node) {
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
  return add({.kind = OpKind::kImage, .name = "image", .channels = 3});
}

Value Graph::conv2d(const std::string& name, Value x, Tensor weight, Tensor bias, std::int64_t padding) {
  const Shape& shape = weight.shape();
  if (shape.size() != 4 || shape[0] < 1 || shape[2] < 1 || padding < 0 || padding >= shape[2]) {
    throw Error(ErrorCode::kShapeMismatch,
                name + ": weight has shape " + shape_text(shape) + ", expected [out, in, k, k] and padding below k");
  }
  expect_shape(name, "weight", weight, {shape[0], channels(x), shape[2], shape[2]});
  expect_shape(name, "bias", bias, {shape[0]});
  parameter_count_ += weight.size() + bias.size();
  const std::int64_t out = shape[0];
  const std::int64_t kernel = shape[2];
  return add({.kind = OpKind::kConv2d,
              .name = name,
              .inputs = {x.id},
              .channels = out,
              .kernel = kernel,
              .padding = padding,
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
  return add({.kind = OpKind::kConvTranspose2x2,
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
  return add({.kind = OpKind::kBatchNorm,
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
  return add({.kind = OpKind::kRelu, .name = at(x).name, .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::concat(const std::vector<Value>& values) {
  Node node{.kind = OpKind::kConcat, .name = "concat"};
  for (const Value value : values) {
    node.inputs.push_back(value.id);
    node.channels += channels(value);
  }
  return add(std::move(node));
}

Value Graph::max_pool2x2(Value x) {
  return add({.kind = OpKind::kMaxPool2x2, .name = at(x).name + ".pool", .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::resize_bilinear2x(Value x) {
  return add(
      {.kind = OpKind::kResizeBilinear2x, .name = at(x).name + ".x2", .inputs = {x.id}, .channels = channels(x)});
}

Value Graph::crop_to(Value x, Value like) {
  at(like);
  return add({.kind = OpKind::kCropTo,
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
  add({.kind = OpKind::kClassProbability, .name = name, .inputs = {logits.id}, .channels = 1});
}

void Graph::output_planar(const std::string& name, Value x) {
  add({.kind = OpKind::kPlanar, .name = name, .inputs = {x.id}, .channels = channels(x)});
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
