#pragma once

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

enum class UpMode {
  kUpconv,    ///< transposed convolution 2 x 2 with stride 2
  kUpsample,  ///< bilinear enlargement by two, then a 1 x 1 convolution
};

/// Doubles the size and changes the channels to `out`, the first half of HoverFast's UNetUpBlock.
/// Weights: kUpconv `<scope>.{weight,bias}` with weight [in, out, 2, 2]; kUpsample `<scope>.1.{weight,bias}` with
/// weight [out, in, 1, 1]. @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value upsample(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights, std::int64_t out,
                       UpMode mode);

/// What a decoder step feeds its block with: the enlarged map followed by the centre of the encoder's map of this
/// level.
engine::Value join_skip(engine::Graph& graph, engine::Value up, engine::Value skip);

}  // namespace histojet::layers
