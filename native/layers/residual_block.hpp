#pragma once

#include <cstdint>

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

struct ResidualBlockConfig {
  std::int64_t inner = 0;   ///< channels of the first two convolutions of a unit
  std::int64_t out = 0;     ///< channels of the result
  std::int64_t units = 1;   ///< at least 1
  std::int64_t stride = 1;  ///< of the first unit and of the shortcut; must divide the height and width of x
};

/// Bottleneck units with activation before the convolutions (He et al. 2016, figure 4e) as HoVer-Net writes them
/// (ResidualBlock in vqdang/hover_net models/hovernet/net_utils.py): 1 x 1, 3 x 3, 1 x 1 convolutions without bias, the
/// first unit without normalisation before them; normalisation and ReLU after the last sum.
/// x: [batch, height, width, in] -> [.., height / stride, width / stride, out]. Weights of unit u:
/// `<scope>.units.<u>.preact/bn` (not of unit 0), `.conv1` [inner, in, 1, 1], `.conv1/bn`, `.conv2`
/// [inner, inner, 3, 3], `.conv2/bn`, `.conv3` [out, inner, 1, 1]; of the block: `<scope>.shortcut` [out, in, 1, 1],
/// `<scope>.blk_bna.bn`.
/// @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value residual_block(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                             const ResidualBlockConfig& config);

}  // namespace histojet::layers
