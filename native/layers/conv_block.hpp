#pragma once

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

struct ConvBlockConfig {
  std::int64_t kernel = 3;
  bool padding = true;  ///< zero padding that keeps the size; without, each convolution cuts kernel / 2 pixels per side
  bool batch_norm = true;
};

/// Two convolutions, each followed by batch normalisation (optional) and ReLU: the block of U-Net (Ronneberger et al.
/// 2015, figure 1) as HoverFast writes it (UNetConvBlock in choosehappy/HoverFast hoverfast/hoverfast.py).
/// x: [batch, height, width, in] -> [.., out]. Weights: `<scope>.block.<i>`, an nn.Sequential: convolutions at 0 and 3,
/// normalisations at 1 and 4; without normalisation convolutions at 0 and 2.
/// @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value conv_block(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights, std::int64_t out,
                         const ConvBlockConfig& config);

}  // namespace histojet::layers
