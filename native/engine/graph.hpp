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
  kConv2d,            ///< square window, stride 1, zero padding, any number of inputs side by side in the channels
  kConvTranspose2x2,  ///< stride 2
  kBatchNorm,         ///< inference form; only where it folds into a convolution
  kRelu,              ///< only where it fuses into a convolution
  kConcat,            ///< of channels; only where all readers are convolutions
  kMaxPool2x2,        ///< stride 2, rounding the size down
  kResizeBilinear2x,
  kCropTo,            ///< centre crop to the size of another value, offsets floor(difference / 2)
  kClassProbability,  ///< output: softmax probability of class 1
  kPlanar,            ///< output: the channels as planes
};

/// "conv2d", "max_pool2x2", …
std::string_view op_name(OpKind kind);

/// One operation and its result. Plain data: passes rewrite it.
struct Node {
  OpKind kind = OpKind::kImage;
  std::string name;         ///< where it comes from, usually the weights' prefix; the name of the output for outputs
  std::vector<int> inputs;  ///< ids of earlier nodes
  int like = -1;            ///< kCropTo: whose height and width to take
  std::int64_t channels = 0;
  std::int64_t kernel = 1;
  std::int64_t padding = 0;
  bool relu = false;
  Tensor weight;  ///< kConv2d [out, in, k, k]; kConvTranspose2x2 [in, out, 2, 2]; kBatchNorm [channels] (gamma)
  Tensor bias;    ///< [out]; kBatchNorm: beta
  Tensor mean;    ///< kBatchNorm
  Tensor variance;
  double epsilon = 0.0;
};

/// What a network computes: operations in the order in which they were added, without sizes of pictures, memory,
/// threads or instruction sets. Channel counts are checked while building: @throws Error kShapeMismatch with the name
/// of the operation and both numbers. Weights are float32.
class Graph {
 public:
  Value image();
  /// weight: [out, in, k, k], bias: [out]; zero padding of `padding` pixels on each side.
  Value conv2d(const std::string& name, Value x, Tensor weight, Tensor bias, std::int64_t padding);
  /// weight: [in, out, 2, 2], bias: [out]; stride 2.
  Value conv_transpose2x2(const std::string& name, Value x, Tensor weight, Tensor bias);
  /// All [channels].
  Value batch_norm(const std::string& name, Value x, Tensor gamma, Tensor beta, Tensor mean, Tensor variance,
                   double epsilon);
  Value relu(Value x);
  Value concat(const std::vector<Value>& values);
  Value max_pool2x2(Value x);
  Value resize_bilinear2x(Value x);
  Value crop_to(Value x, Value like);

  /// Outputs: [height, width] probability of class 1, or [channels, height, width].
  void output_class_probability(const std::string& name, Value logits);
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
  Value add(Node node);
  const Node& at(Value x) const;

  std::vector<Node> nodes_;
  std::map<std::string, Value> taps_;
  std::int64_t parameter_count_ = 0;
};

/// How many nodes read each node; the index is the node's id.
std::vector<int> reader_counts(const std::vector<Node>& nodes);

bool is_output(OpKind kind);

}  // namespace histojet::engine
