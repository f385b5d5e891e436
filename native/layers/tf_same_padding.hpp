#pragma once

#include <cstdint>

#include "engine/graph.hpp"

namespace histojet::layers {

/// How a convolution moves whose input HoVer-Net pads as TensorFlow's "same" does (TFSamepaddingLayer in
/// vqdang/hover_net models/hovernet/net_utils.py): max(kernel - stride, 0) zeros in all, the odd one below and to the
/// right. The reference pads differently where the stride does not divide the height; a graph knows no heights, so this
/// holds for heights that the stride divides, and networks refuse all others.
engine::ConvGeometry tf_same_padding(std::int64_t kernel, std::int64_t stride);

}  // namespace histojet::layers
