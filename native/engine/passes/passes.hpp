#pragma once

#include "engine/graph.hpp"

namespace histojet::engine {

/// conv2d -> batch_norm becomes conv2d with scaled weights, where nobody else reads the convolution.
void fold_batch_norm(Graph& graph);
/// conv2d -> relu becomes conv2d with a ReLU epilogue, where nobody else reads the convolution.
void fuse_relu(Graph& graph);
/// Readers of a concat read its parts instead: convolutions as several inputs, what works on single channels part by
/// part. Nothing is copied. @throws Error kInvalidArgument for other readers.
void split_concat(Graph& graph);
/// Equal operations without weights on equal inputs become one.
void share_equal_nodes(Graph& graph);
/// What is left of sums, batch norms, ReLUs and nearest-neighbour enlargements becomes pointwise operations, as many as
/// possible in one.
void form_pointwise(Graph& graph);
/// conv2d -> sum becomes conv2d that adds its last input, where nobody else reads the convolution.
void fuse_sum(Graph& graph);
/// conv2d (a residual sum) -> pointwise (batch norm, relu): the convolution applies them to its sums, in place of its
/// result where nobody else reads that, and with `beside` otherwise too. For convolutions on tiles.
void fuse_activation(Graph& graph, bool beside);
/// Convolutions of one geometry that read the same inputs run together, each into its own result.
void merge_siblings(Graph& graph);
/// Removes nodes that no output needs and renumbers the rest; order is kept.
void remove_dead_nodes(Graph& graph);

/// Makes the readers of node `from` read node `to` instead (crop sizes included).
void redirect(Graph& graph, int from, int to);
/// Moves nodes that are made with another directly behind it, and renumbers.
void gather_companions(Graph& graph);

}  // namespace histojet::engine
