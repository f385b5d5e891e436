#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weights/pickle_input.hpp"
#include "weights/pickle_symbols.hpp"

namespace histojet::weights {

enum class ValueKind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,  ///< an integer beyond 64 bits; its bytes are kept
  kFloat,
  kString,  ///< valid UTF-8
  kBytes,
  kTuple,
  kList,
  kSet,
  kDict,
  kSymbol,
  kStorage,
  kTensor,
  kOpaque,  ///< inert placeholder of something unknown
};

/// A value of a pickle: a scalar, a piece of the program's text, or a number in one of the heap's tables. Values own
/// nothing, so that cyclic and very deep structures need no care when they are dropped.
struct Value {
  ValueKind kind = ValueKind::kNone;
  std::uint32_t length = 0;  ///< kString, kBytes, kBigInt
  union {
    std::int64_t integer = 0;  ///< kInt, kBool
    double real;               ///< kFloat
    std::uint64_t position;    ///< kString, kBytes, kBigInt: in the program's text
    std::uint64_t index;       ///< the others: in the heap's table of this kind
    const Symbol* symbol;      ///< kSymbol
  };
};

/// A block of elements that tensors view. Views of storages (legacy files) point to their root.
struct StorageRef {
  std::string key;
  std::optional<DType> dtype;  ///< nothing: untyped, elements are bytes
  std::uint64_t elements = 0;
  std::uint64_t root = 0;         ///< number of the storage that owns the data (itself, unless it is a view)
  std::uint64_t root_offset = 0;  ///< elements

  std::uint64_t element_bytes() const { return dtype ? dtype_size(*dtype) : 1; }
  /// The form's reader has checked that this does not overflow.
  std::uint64_t bytes() const { return elements * element_bytes(); }
};

/// A strided view; sizes and strides are tuples of checked integers in the heap.
struct TensorRef {
  std::uint64_t storage = 0;
  std::uint64_t offset = 0;  ///< elements, from the storage's start
  std::uint64_t sizes = 0;
  std::uint64_t strides = 0;
  DType dtype = DType::kF32;
};

/// Everything that one pickle program creates.
class PickleHeap {
 public:
  explicit PickleHeap(PickleInput& input) : input_(input) {}

  PickleInput& input() { return input_; }
  const PickleInput& input() const { return input_; }
  std::string_view text(const Value& value) const { return input_.text(value.position, value.length); }

  /// A new empty container. @throws Error kCorruptFile beyond the limit on objects, which follows the program's length.
  Value make_container(ValueKind kind);
  /// Items of a tuple, list or set; key, value, key, value, … of a dict in order of insertion (later keys win).
  std::vector<Value>& items(const Value& container) { return containers_[container.index]; }
  const std::vector<Value>& items(const Value& container) const { return containers_[container.index]; }
  const std::vector<Value>& items_at(std::uint64_t index) const { return containers_[index]; }
  std::uint64_t container_count() const { return containers_.size(); }

  /// The storage with this key; type and size must be those of its first mention.
  Value root_storage(const std::string& key, std::optional<DType> dtype, std::uint64_t elements);
  Value storage_view(std::uint64_t root, std::uint64_t offset, std::uint64_t elements);
  const StorageRef& storage(std::uint64_t index) const { return storages_[index]; }
  std::uint64_t storage_count() const { return storages_.size(); }
  /// Number of the root storage with this key.
  std::optional<std::uint64_t> find_storage(const std::string& key) const;

  Value add_tensor(const TensorRef& tensor);
  const TensorRef& tensor(const Value& value) const { return tensors_[value.index]; }

  /// Accounts for `count` values that are created or copied. @throws Error kCorruptFile beyond the limit.
  void count_objects(std::uint64_t count);
  /// The last value under a text key of a dict, or nothing.
  std::optional<Value> lookup(const Value& dict, std::string_view key) const;

 private:
  PickleInput& input_;
  std::vector<std::vector<Value>> containers_;
  std::vector<StorageRef> storages_;
  std::vector<TensorRef> tensors_;
  std::unordered_map<std::string, std::uint64_t> storage_by_key_;
  std::uint64_t objects_ = 0;
};

/// Refuses values that contain themselves and nesting deeper than 200; does not recurse.
void check_graph(const PickleHeap& heap, const Value& root);

inline bool is_container(ValueKind kind) {
  return kind == ValueKind::kTuple || kind == ValueKind::kList || kind == ValueKind::kSet || kind == ValueKind::kDict;
}

}  // namespace histojet::weights
