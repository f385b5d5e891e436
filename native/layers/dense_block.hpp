#pragma once

#include <cstdint>

#include "engine/graph.hpp"
#include "weights/state_dict.hpp"

namespace histojet::layers {

struct DenseBlockConfig {
  std::int64_t kernel =
      3;  ///< of the second convolution of a unit, without padding: each unit cuts kernel / 2 px a side
  std::int64_t units = 1;
  std::int64_t inner = 128;  ///< channels of the first convolution of a unit
  std::int64_t growth = 32;  ///< channels that a unit adds
  std::int64_t groups = 4;   ///< of the second convolution
};

/// Densely connected units (Huang et al. 2017, equation 2) as HoVer-Net writes them (DenseBlock in vqdang/hover_net
/// models/hovernet/net_utils.py): each unit reads all features so far, through normalisation and ReLU, a 1 x 1 and a
/// grouped k x k convolution without bias, and adds its own behind the centres of the earlier ones; normalisation and
/// ReLU at the end.
/// x: [batch, height, width, in] -> [.., height - units * (kernel - 1), width - .., in + units * growth]. Weights of
/// unit u with c = in + u * growth: `<scope>.units.<u>.preact_bna/bn` [c], `.conv1` [inner, c, 1, 1], `.conv1/bn`,
/// `.conv2` [growth, inner / groups, kernel, kernel]; of the block: `<scope>.blk_bna.bn`.
/// @throws Error kMissingWeight naming the key, kShapeMismatch with the key and both shapes.
engine::Value dense_block(engine::Graph& graph, engine::Value x, const weights::WeightScope& weights,
                          const DenseBlockConfig& config);

}  // namespace histojet::layers
