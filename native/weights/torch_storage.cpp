#include "weights/torch_storage.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/checked.hpp"
#include "base/text.hpp"
#include "weights/crc32.hpp"
#include "weights/state_choice.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kPiece = 256 << 10;

/// One tensor of the chosen state dict, in bytes of its storage's data.
struct View {
  std::size_t storage = 0;
  std::uint64_t offset = 0;
  Shape strides;  ///< elements
};

bool is_contiguous(const Shape& shape, const Shape& strides) {
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

/// Bytes from the first to the last element of a non-empty view; the opener has checked that they lie in the storage.
std::uint64_t span_bytes(const Shape& shape, const Shape& strides, std::uint64_t element_bytes) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) last += static_cast<std::uint64_t>((shape[i] - 1) * strides[i]);
  return (last + 1) * element_bytes;
}

/// Copies a strided view into dense memory, row by row of the last dimension.
template <class T>
void gather(const std::uint8_t* from, const Shape& shape, const Shape& strides, std::uint8_t* to) {
  const std::size_t rank = shape.size();
  const std::int64_t row = shape[rank - 1], step = strides[rank - 1];
  Shape at(rank, 0);
  std::int64_t start = 0;
  for (;;) {
    for (std::int64_t i = 0; i < row; ++i, to += sizeof(T)) {
      std::memcpy(to, from + static_cast<std::uint64_t>(start + i * step) * sizeof(T), sizeof(T));
    }
    std::size_t axis = rank - 1;
    for (;;) {
      if (axis-- == 0) return;
      start += strides[axis];
      if (++at[axis] < shape[axis]) break;
      start -= at[axis] * strides[axis];
      at[axis] = 0;
    }
  }
}

class TorchDict final : public TableDict {
 public:
  TorchDict(TableContent content, PrefixRule rule, std::shared_ptr<const ByteSource> source,
            std::vector<RawStorage> storages, std::vector<View> views)
      : TableDict(std::move(content), rule),
        source_(std::move(source)),
        storages_(std::move(storages)),
        views_(std::move(views)),
        verified_(std::make_unique<std::atomic<bool>[]>(storages_.size())) {}

  std::string sha256() const override { return sha256_of_files({path()}); }

 protected:
  Tensor read(std::size_t index) const override {
    const Entry& entry = entry_at(index);
    const View& view = views_[index];
    Tensor tensor(entry.dtype, entry.shape);
    if (tensor.size() == 0) return tensor;
    if (is_contiguous(entry.shape, view.strides)) {
      read_range(view.storage, view.offset, {tensor.bytes(), tensor.byte_size()});
      return tensor;
    }
    std::vector<std::uint8_t> span(span_bytes(entry.shape, view.strides, dtype_size(entry.dtype)));
    read_range(view.storage, view.offset, span);
    switch (dtype_size(entry.dtype)) {
      case 1:
        gather<std::uint8_t>(span.data(), entry.shape, view.strides, tensor.bytes());
        break;
      case 2:
        gather<std::uint16_t>(span.data(), entry.shape, view.strides, tensor.bytes());
        break;
      case 4:
        gather<std::uint32_t>(span.data(), entry.shape, view.strides, tensor.bytes());
        break;
      default:
        gather<std::uint64_t>(span.data(), entry.shape, view.strides, tensor.bytes());
        break;
    }
    return tensor;
  }

 private:
  void read_range(std::size_t number, std::uint64_t begin, std::span<std::uint8_t> out) const {
    const RawStorage& storage = storages_[number];
    if (!storage.crc || verified_[number].load(std::memory_order_acquire)) {
      source_->read_at(storage.offset + begin, out);
    } else {
      read_verified(number, begin, out);
    }
  }

  /// Reads the whole storage once for its checksum, the wanted part straight into `out`.
  void read_verified(std::size_t number, std::uint64_t begin, std::span<std::uint8_t> out) const {
    const RawStorage& storage = storages_[number];
    const std::uint64_t end = begin + out.size();
    std::vector<std::uint8_t> scratch;
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < storage.bytes;) {
      const bool wanted = at >= begin && at < end;
      const std::uint64_t edge = at < begin ? begin : wanted ? end : storage.bytes;
      const std::uint64_t length = std::min(kPiece, edge - at);
      if (!wanted) scratch.resize(kPiece);
      const auto piece = wanted ? out.subspan(at - begin, length) : std::span(scratch).first(length);
      source_->read_at(storage.offset + at, piece);
      crc = crc32(crc, piece);
      at += length;
    }
    if (crc != *storage.crc) {
      corrupt_at(path(), storage.offset,
                 "the checksum of storage " + quote(storage.key) + " is wrong: the file is damaged");
    }
    verified_[number].store(true, std::memory_order_release);
  }

  std::shared_ptr<const ByteSource> source_;
  std::vector<RawStorage> storages_;
  std::vector<View> views_;
  std::unique_ptr<std::atomic<bool>[]> verified_;
};

Shape shape_of(const PickleHeap& heap, std::uint64_t tuple) {
  Shape shape;
  for (const Value& value : heap.items_at(tuple)) shape.push_back(value.integer);
  return shape;
}

}  // namespace

std::optional<StorageId> parse_storage_id(const PickleHeap& heap, const Value& id) {
  const auto fail = [&](const std::string& reason) {
    corrupt_at(heap.input().label(), heap.input().offset(), "a persistent id " + reason);
  };
  if (id.kind == ValueKind::kOpaque) return std::nullopt;
  if (id.kind != ValueKind::kTuple) fail("is no tuple");
  const std::vector<Value>& items = heap.items(id);
  if (items.empty() || items[0].kind != ValueKind::kString || heap.text(items[0]) != "storage" || items.size() < 5 ||
      items.size() > 6) {
    fail("does not describe a storage");
  }
  if (items[1].kind == ValueKind::kOpaque) return std::nullopt;
  if (items[1].kind != ValueKind::kSymbol) fail("has no storage type");
  const Symbol& type = *items[1].symbol;
  if (type.kind == SymbolKind::kRefused) {
    unsupported(heap.input().label(),
                "a storage is " + std::string(type.reason) + " (" + std::string(type.name) + "), which cannot be read");
  }
  if (type.kind != SymbolKind::kStorageType && type.kind != SymbolKind::kUntypedStorage) fail("has no storage type");
  if (items[2].kind != ValueKind::kString || items[4].kind != ValueKind::kInt || items[4].integer < 0) {
    fail("has no key or no natural number of elements");
  }
  StorageId storage{std::string(heap.text(items[2])), type.dtype, static_cast<std::uint64_t>(items[4].integer), {}};
  if (!checked_mul(storage.elements, storage.element_bytes())) fail("has too many elements");
  if (items.size() == 6 && items[5].kind != ValueKind::kNone) {
    if (items[5].kind != ValueKind::kTuple) fail("has a view that is no tuple");
    const std::vector<Value>& view = heap.items(items[5]);
    const auto natural = [](const Value& value) { return value.kind == ValueKind::kInt && value.integer >= 0; };
    if (view.size() != 3 || !natural(view[1]) || !natural(view[2])) fail("has a malformed view");
    storage.view = {static_cast<std::uint64_t>(view[1].integer), static_cast<std::uint64_t>(view[2].integer)};
  }
  return storage;
}

std::uint64_t max_tensor_bytes(std::uint64_t file_bytes) {
  return std::max<std::uint64_t>(64u << 20, checked_mul(file_bytes, 8).value_or(~std::uint64_t{0}));
}

std::shared_ptr<const StateDict> make_torch_dict(const TorchContent& content, PrefixRule rule) {
  const PickleHeap& heap = content.heap;
  check_graph(heap, content.root);
  StateChoice choice = choose_state(heap, content.root, content.source->name());

  TableContent table{content.source->name(), content.format, {}, std::move(choice.metadata), {}};
  std::vector<RawStorage> storages;
  std::vector<View> views;
  std::vector<std::optional<std::size_t>> numbers(content.storages.size());
  for (const auto& [name, value] : choice.tensors) {
    const TensorRef& tensor = heap.tensor(value);
    const StorageRef& storage = heap.storage(tensor.storage);
    if (!content.storages[storage.root]) {
      corrupt(content.source->name(), "tensor " + quote(name) + " has no data in the file");
    }
    if (!numbers[storage.root]) {
      numbers[storage.root] = storages.size();
      storages.push_back(*content.storages[storage.root]);
    }
    const std::uint64_t base = storage.root_offset * storage.element_bytes();
    views.push_back(
        {*numbers[storage.root], base + tensor.offset * dtype_size(tensor.dtype), shape_of(heap, tensor.strides)});
    table.items.push_back({name, {tensor.dtype, shape_of(heap, tensor.sizes)}});
  }
  return std::make_shared<TorchDict>(std::move(table), rule, content.source, std::move(storages), std::move(views));
}

}  // namespace histojet::weights
