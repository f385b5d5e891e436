#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "weights/pickle_heap.hpp"

namespace histojet::weights {

/// The part of a checkpoint that is the network.
struct StateChoice {
  /// Unique names in file order; nested dicts give dotted names.
  std::vector<std::pair<std::string, Value>> tensors;
  /// Scalars that stand beside the state dict, as text.
  std::map<std::string, std::string> metadata;
};

/// Finds the state dict in what a pickle left: the object itself if it is a dict of tensors, else the dict under one of
/// the usual keys ("state_dict", "model_state_dict", "model", "net", …, HoverFast's "model_dict", HoVer-Net's "desc"),
/// else the only dict whose values are all tensors. A single tensor is called "tensor".
/// @throws Error kUnsupportedFormat that lists the candidates when none of this decides.
StateChoice choose_state(const PickleHeap& heap, const Value& root, const std::string& file);

}  // namespace histojet::weights
