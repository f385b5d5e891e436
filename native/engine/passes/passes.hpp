#pragma once

#include "engine/graph.hpp"

namespace histojet::engine {

/// conv2d -> batch_norm becomes conv2d with scaled weights, where nobody else reads the convolution.
void fold_batch_norm(Graph& graph);
/// conv2d -> relu becomes conv2d with a ReLU epilogue, where nobody else reads the convolution.
void fuse_relu(Graph& graph);
/// Convolutions that read a concat read its parts instead; nothing is copied.
void eliminate_concat(Graph& graph);
/// Removes nodes that no output needs and renumbers the rest; order is kept.
void remove_dead_nodes(Graph& graph);

/// Makes the readers of node `from` read node `to` instead (crop sizes included).
void redirect(Graph& graph, int from, int to);

}  // namespace histojet::engine
