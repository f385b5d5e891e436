#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.hpp"

namespace histojet::engine {

/// Handle of one intermediate result of a Graph.
struct Value {
  int id = -1;
};

enum class OpKind {
  kImage,             ///< RGB bytes / 255, the input
  kConv2d,            ///< square window, zero padding, any number of inputs side by side in the channels
  kConvTranspose2x2,  ///< stride 2
  kBatchNorm,         ///< inference form
  kRelu,
  kAdd,         ///< of two values of one size
  kConcat,      ///< of channels; passes turn it into several inputs of its readers
  kMaxPool2x2,  ///< stride 2, rounding the size down
  kResizeBilinear2x,
  kUpsampleNearest2x,
  kCropTo,            ///< centre crop to the size of another value, offsets floor(difference / 2)
  kPointwise,         ///< made by passes: relu(scale * (a, or a enlarged twice, + b) + shift), each part optional
  kClassProbability,  ///< output: softmax probability of class 1
  kClassIndex,        ///< output: the class with the largest value, the first of equals
  kPlanar,            ///< output: the channels of one or several values as planes
};

/// "conv2d", "max_pool2x2", …
std::string_view op_name(OpKind kind);

/// How the window of a convolution moves. `pad_before` is above and to the left, `pad_after` below and to the right.
struct ConvGeometry {
  std::int64_t stride = 1;
  std::int64_t pad_before = 0;
  std::int64_t pad_after = 0;
  std::int64_t groups = 1;

  bool operator==(const ConvGeometry&) const = default;
  static ConvGeometry padded(std::int64_t padding) { return {.pad_before = padding, .pad_after = padding}; }
};

/// One operation and its result. Plain data: passes rewrite it.
struct Node {
  OpKind kind = OpKind::kImage;
  std::string name;         ///< where it comes from, usually the weights' prefix; the name of the output for outputs
  std::vector<int> inputs;  ///< ids of earlier nodes
  int like = -1;            ///< kCropTo: whose height and width to take
  std::int64_t channels = 0;
  std::int64_t kernel = 1;
  ConvGeometry geometry;
  bool relu = false;
  bool enlarge = false;              ///< kPointwise: the first input has half the size
  bool add_last = false;             ///< kConv2d: the last input is not convolved but added to the result
  std::int64_t shortcut_stride = 0;  ///< kConv2d 1x1: the stride of the last convolved input, where it differs; or 0
  Tensor
      weight;    ///< kConv2d [out, in / groups, k, k]; kConvTranspose2x2 [in, out, 2, 2]; kBatchNorm [channels] (gamma)
  Tensor bias;   ///< [out]; kBatchNorm: beta
  Tensor scale;  ///< kConv2d, made by passes: the result is relu(scale * sum + shift); [channels] or empty
  Tensor shift;
  /// Made by passes: the convolution that writes this result beside its own, while it has the sums or the input at
  /// hand; or -1. Such a node follows it directly.
  int made_with = -1;
  Tensor mean;  ///< kBatchNorm
  Tensor variance;
  double epsilon = 0.0;
};

/// What a network computes: operations in the order in which they were added, without sizes of pictures, memory,
/// threads or instruction sets. Channel counts are checked while building: @throws Error kShapeMismatch with the name
/// of the operation and both numbers. Weights are float32.
class Graph {
 public:
  Value image();
  /// weight: [out, in / groups, k, k], bias: [out] or empty. Groups as in PyTorch's Conv2d.
  Value conv2d(const std::string& name, Value x, Tensor weight, Tensor bias, const ConvGeometry& geometry);
  /// weight: [in, out, 2, 2], bias: [out]; stride 2.
  Value conv_transpose2x2(const std::string& name, Value x, Tensor weight, Tensor bias);
  /// All [channels].
  Value batch_norm(const std::string& name, Value x, Tensor gamma, Tensor beta, Tensor mean, Tensor variance,
                   double epsilon);
  Value relu(Value x);
  Value add(Value a, Value b);
  Value concat(const std::vector<Value>& values);
  Value max_pool2x2(Value x);
  Value resize_bilinear2x(Value x);
  Value upsample_nearest2x(Value x);
  Value crop_to(Value x, Value like);

  /// Outputs: [height, width] probability of class 1, [height, width] number of the class, or [channels, height,
  /// width].
  void output_class_probability(const std::string& name, Value logits);
  void output_class_index(const std::string& name, Value logits);
  void output_planar(const std::string& name, Value x);
  /// Names a value that tests and explanations may ask for as an additional planar output; free when nobody does.
  void tap(const std::string& name, Value x);

  std::int64_t channels(Value x) const;
  /// Trainable parameters of all operations.
  std::int64_t parameter_count() const { return parameter_count_; }

  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& nodes() { return nodes_; }
  const std::map<std::string, Value>& taps() const { return taps_; }

 private:
  Value append(Node node);
  const Node& at(Value x) const;

  std::vector<Node> nodes_;
  std::map<std::string, Value> taps_;
  std::int64_t parameter_count_ = 0;
};

/// How many nodes read each node; the index is the node's id.
std::vector<int> reader_counts(const std::vector<Node>& nodes);

bool is_output(OpKind kind);

}  // namespace histojet::engine
