#pragma once

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

/// HoverFast's multi-scale block (MSUNetConvBlock in choosehappy/HoverFast hoverfast/hoverfast.py): a 3 x 3 and a 7 x 7
/// conv block read the same input, their results side by side go through a 1 x 1 convolution without normalisation or
/// activation. Always padded, because the branches must keep the same size.
/// x: [batch, height, width, in] -> [.., out]. Weights: `<scope>.conv_3.block.<i>`, `<scope>.conv_7.block.<i>`,
/// `<scope>.conv` [out, 2 * out, 1, 1].
/// @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value ms_conv_block(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                            std::int64_t out, bool batch_norm);

}  // namespace histojet::layers
