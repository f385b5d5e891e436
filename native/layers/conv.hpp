#pragma once

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

/// Convolution with a square window of `kernel` pixels and bias (torch.nn.Conv2d).
/// Weights: `<scope>.weight` [out, in / groups, kernel, kernel], `<scope>.bias` [out].
/// @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value conv2d(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights, std::int64_t out,
                     std::int64_t kernel, const engine::ConvGeometry& geometry = {});
/// The same without bias.
engine::Value conv2d_without_bias(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                                  std::int64_t out, std::int64_t kernel, const engine::ConvGeometry& geometry = {});

/// Transposed convolution 2 x 2 with stride 2 and bias (torch.nn.ConvTranspose2d): twice the size.
/// Weights: `<scope>.weight` [in, out, 2, 2], `<scope>.bias` [out].
engine::Value conv_transpose2x2(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                                std::int64_t out);

/// Batch normalisation with stored statistics (torch.nn.BatchNorm2d in evaluation mode), epsilon 1e-5.
/// Weights: `<scope>.{weight,bias,running_mean,running_var}` [channels]; `num_batches_tracked` is not read.
engine::Value batch_norm(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights);

}  // namespace histojet::layers
