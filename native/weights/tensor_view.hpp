#pragma once

#include <string>

#include "weights/pickle_heap.hpp"

namespace histojet::weights {

/// What a checkpoint says about one tensor.
struct ViewRequest {
  Value storage;
  Value offset;                ///< elements
  Value sizes;                 ///< tuple
  Value strides;               ///< tuple, elements
  std::optional<DType> dtype;  ///< nothing: the storage's
};

/// Checks a view against its storage, with 64-bit overflow and the limit on what it may claim, and adds it to the heap.
/// `where` names the tensor in messages. @throws Error kCorruptFile.
Value make_view(PickleHeap& heap, const ViewRequest& request, std::uint64_t max_bytes, const std::string& where);

}  // namespace histojet::weights
