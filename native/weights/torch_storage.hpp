#pragma once

#include <memory>
#include <optional>
#include <string>

#include "weights/pickle_heap.hpp"
#include "weights/table_dict.hpp"

namespace histojet::weights {

/// A persistent id of PyTorch taken apart: `('storage', type, key, location, elements[, view])`.
struct StorageId {
  struct View {
    std::uint64_t offset = 0;
    std::uint64_t elements = 0;
  };
  std::string key;
  std::optional<DType> dtype;  ///< nothing: untyped, elements are bytes
  std::uint64_t elements = 0;
  std::optional<View> view;  ///< only in legacy files

  std::uint64_t element_bytes() const { return dtype ? dtype_size(*dtype) : 1; }
};

/// Checks and reads a persistent id; nothing when it depends on something opaque.
/// @throws Error kCorruptFile for anything that is no storage, kUnsupportedFormat for element types without a DType.
std::optional<StorageId> parse_storage_id(const PickleHeap& heap, const Value& id);

/// Where the bytes of a root storage lie in the file.
struct RawStorage {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint32_t> crc;  ///< verified when the storage is first read
  std::string key;
};

/// What a torch form (zip, legacy, tar) hands over once its program ran.
struct TorchContent {
  std::shared_ptr<const ByteSource> source;
  std::string format;
  const PickleHeap& heap;
  Value root;
  /// By number of the root storage; empty entries belong to views.
  std::vector<std::optional<RawStorage>> storages;
};

/// Chooses the state dict within the content and makes it readable.
std::shared_ptr<const StateDict> make_torch_dict(const TorchContent& content, PrefixRule rule);

/// Largest tensor that a view of a file of this size may claim: max(64 MiB, 8 times the file).
std::uint64_t max_tensor_bytes(std::uint64_t file_bytes);

}  // namespace histojet::weights
