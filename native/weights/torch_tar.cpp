#include <algorithm>
#include <cstring>
#include <map>

#include "base/checked.hpp"
#include "base/text.hpp"
#include "weights/pickle_machine.hpp"
#include "weights/tensor_view.hpp"
#include "weights/torch_forms.hpp"
#include "weights/torch_storage.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::size_t kMaxMembers = 1000;
constexpr std::int64_t kMaxCount = 1'000'000;
constexpr std::int32_t kMaxRank = 64;

struct Member {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Octal number of a tar header field; ends at a space or NUL.
std::uint64_t octal(const std::uint8_t* field, std::size_t length, const std::string& file, std::uint64_t offset) {
  std::uint64_t value = 0;
  std::size_t i = 0;
  while (i < length && field[i] == ' ') ++i;
  for (; i < length && field[i] != '\0' && field[i] != ' '; ++i) {
    if (field[i] < '0' || field[i] > '7') corrupt_at(file, offset, "a tar header holds a malformed number");
    value = value * 8 + (field[i] - '0');
  }
  return value;
}

void check_sum(const std::vector<std::uint8_t>& header, const std::string& file, std::uint64_t offset) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) sum += i >= 148 && i < 156 ? ' ' : header[i];
  if (sum != octal(header.data() + 148, 8, file, offset))
    corrupt_at(file, offset, "the checksum of a tar header is wrong");
}

std::map<std::string, Member> list_members(const ByteSource& source) {
  std::map<std::string, Member> members;
  std::uint64_t at = 0;
  for (std::size_t count = 0; source.contains(at, kBlock); ++count) {
    if (count == kMaxMembers) corrupt_at(source.name(), at, "the tar archive has more than 1000 members");
    const std::vector<std::uint8_t> header = source.read(at, kBlock);
    if (std::all_of(header.begin(), header.end(), [](std::uint8_t byte) { return byte == 0; })) break;
    check_sum(header, source.name(), at);
    const std::uint64_t size = octal(header.data() + 124, 12, source.name(), at);
    if (!source.contains(at + kBlock, size)) {
      corrupt_at(source.name(), at, "a member of the tar archive passes the end of the file (truncated?)");
    }
    const auto* text = reinterpret_cast<const char*>(header.data());
    std::string name(text, strnlen(text, 100));
    if (name.starts_with("./")) name.erase(0, 2);
    const bool file = header[156] == '0' || header[156] == '\0';
    if (file && !members.emplace(name, Member{at + kBlock, at + kBlock + size}).second) {
      corrupt_at(source.name(), at, "the tar archive has the member " + quote(name) + " twice");
    }
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
  }
  return members;
}

/// A member that holds pickles and raw numbers in turn.
class MemberReader {
 public:
  MemberReader(const std::shared_ptr<const ByteSource>& source, const Member& member, std::string name)
      : source_(source), at_(member.begin), end_(member.end), label_(source->name() + " (" + name + ")") {}

  std::uint64_t at() const { return at_; }
  const std::string& label() const { return label_; }

  /// Runs the pickle at the current position and hands its value to `use`.
  template <class Use>
  void pickle(const PickleRules& rules, Use use) {
    PickleInput input(source_, at_, end_, label_);
    PickleHeap heap(input);
    const Value value = PickleMachine(heap, rules).run();
    use(heap, value);
    at_ = input.offset();
  }

  template <class T>
  T number() {
    T value;
    std::uint8_t bytes[sizeof(T)];
    const std::uint64_t from = at_;
    skip(sizeof(T));
    source_->read_at(from, bytes);
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }

  void skip(std::uint64_t length) {
    if (length > end_ - at_) corrupt_at(label_, at_, "the tar member ends too early");
    at_ += length;
  }

 private:
  std::shared_ptr<const ByteSource> source_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::string label_;
};

struct TarStorage {
  std::optional<DType> dtype;
  std::uint64_t elements = 0;
  RawStorage raw;
};

struct TarTensor {
  std::string storage;
  Shape sizes;
  Shape strides;
  std::int64_t offset = 0;
};

/// Storages and tensors by their keys, as text.
struct TarTables {
  std::map<std::string, TarStorage> storages;
  std::map<std::string, TarTensor> tensors;
};

std::string key_text(const PickleHeap& heap, const Value& value) {
  if (value.kind == ValueKind::kInt) return std::to_string(value.integer);
  if (value.kind == ValueKind::kString) return std::string(heap.text(value));
  corrupt_at(heap.input().label(), heap.input().offset(), "a key is neither a number nor text");
}

const std::vector<Value>& triple(const PickleHeap& heap, const Value& value) {
  if (value.kind != ValueKind::kTuple || heap.items(value).size() != 3) {
    corrupt_at(heap.input().label(), heap.input().offset(), "expected a tuple of three values");
  }
  return heap.items(value);
}

std::int64_t read_count(MemberReader& reader, const PickleRules& rules) {
  std::int64_t count = -1;
  reader.pickle(rules, [&](PickleHeap&, const Value& value) {
    if (value.kind == ValueKind::kInt) count = value.integer;
  });
  if (count < 0 || count > kMaxCount) corrupt_at(reader.label(), reader.at(), "the number of entries is invalid");
  return count;
}

void read_storages(MemberReader& reader, const PickleRules& rules, TarTables& tables) {
  for (std::int64_t left = read_count(reader, rules); left > 0; --left) {
    TarStorage storage;
    reader.pickle(rules, [&](PickleHeap& heap, const Value& value) {
      const std::vector<Value>& items = triple(heap, value);
      storage.raw.key = key_text(heap, items[0]);
      if (items[2].kind == ValueKind::kSymbol && items[2].symbol->kind == SymbolKind::kStorageType) {
        storage.dtype = items[2].symbol->dtype;
      }
    });
    if (!storage.dtype) corrupt_at(reader.label(), reader.at(), "a storage has no known type");
    storage.elements = reader.number<std::uint64_t>();
    storage.raw.offset = reader.at();
    storage.raw.bytes = checked_mul(storage.elements, dtype_size(*storage.dtype)).value_or(~std::uint64_t{0});
    reader.skip(storage.raw.bytes);
    if (!tables.storages.emplace(storage.raw.key, storage).second) {
      corrupt_at(reader.label(), reader.at(), "storage " + quote(storage.raw.key) + " occurs twice");
    }
  }
  reader.pickle(rules, [&](PickleHeap& heap, const Value& views) {
    if (views.kind == ValueKind::kList && heap.items(views).empty()) return;
    unsupported(reader.label(),
                "the checkpoint has views of storages, which this oldest form seldom has and histojet "
                "does not read; load and save it again with any later PyTorch");
  });
}

void read_tensors(MemberReader& reader, const PickleRules& rules, TarTables& tables) {
  for (std::int64_t left = read_count(reader, rules); left > 0; --left) {
    TarTensor tensor;
    std::string key;
    reader.pickle(rules, [&](PickleHeap& heap, const Value& value) {
      const std::vector<Value>& items = triple(heap, value);
      key = key_text(heap, items[0]);
      tensor.storage = key_text(heap, items[1]);
    });
    const auto rank = reader.number<std::int32_t>();
    reader.skip(4);
    if (rank < 0 || rank > kMaxRank) corrupt_at(reader.label(), reader.at(), "a tensor has an invalid rank");
    for (std::int32_t i = 0; i < rank; ++i) tensor.sizes.push_back(reader.number<std::int64_t>());
    for (std::int32_t i = 0; i < rank; ++i) tensor.strides.push_back(reader.number<std::int64_t>());
    tensor.offset = reader.number<std::int64_t>();
    if (!tables.tensors.emplace(key, std::move(tensor)).second) {
      corrupt_at(reader.label(), reader.at(), "tensor " + quote(key) + " occurs twice");
    }
  }
}

/// The tensor that a persistent id of the object names, as a checked view.
Value load_tensor(PickleHeap& heap, const Value& id, const TarTables& tables, std::uint64_t max_bytes) {
  const std::string key = key_text(heap, id);
  const auto tensor = tables.tensors.find(key);
  const auto storage =
      tensor == tables.tensors.end() ? tables.storages.end() : tables.storages.find(tensor->second.storage);
  if (storage == tables.storages.end()) {
    corrupt_at(heap.input().label(), heap.input().offset(), "tensor " + quote(key) + " is not in the file");
  }
  const auto integer = [](std::int64_t number) {
    Value value{ValueKind::kInt};
    value.integer = number;
    return value;
  };
  const auto tuple = [&](const Shape& shape) {
    const Value value = heap.make_container(ValueKind::kTuple);
    for (const std::int64_t side : shape) heap.items(value).push_back(integer(side));
    return value;
  };
  const Value root = heap.root_storage(storage->first, storage->second.dtype, storage->second.elements);
  const Value offset = integer(tensor->second.offset);
  const Value sizes = tuple(tensor->second.sizes);
  return make_view(heap, {root, offset, sizes, tuple(tensor->second.strides), std::nullopt}, max_bytes,
                   "tensor number " + quote(key));
}

std::map<std::string, Member> checkpoint_members(const ByteSource& source) {
  std::map<std::string, Member> members = list_members(source);
  for (const char* name : {"storages", "tensors", "pickle"}) {
    if (members.count(name) == 0) {
      unsupported(source.name(), "a tar archive, but no PyTorch checkpoint: it has no member '" + std::string(name) +
                                     "'; unpack it if a checkpoint is inside");
    }
  }
  return members;
}

}  // namespace

std::shared_ptr<const StateDict> open_torch_tar(const std::shared_ptr<const ByteSource>& source,
                                                const OpenOptions& options, PrefixRule rule) {
  const std::map<std::string, Member> members = checkpoint_members(*source);
  const std::uint64_t max_bytes = max_tensor_bytes(source->size());
  PickleRules rules{
      [](PickleHeap& heap, const Value&) -> Value { corrupt(heap.input().label(), "an unexpected persistent id"); },
      options.opaque_globals, max_bytes};
  TarTables tables;
  MemberReader storages(source, members.at("storages"), "storages");
  read_storages(storages, rules, tables);
  MemberReader tensors(source, members.at("tensors"), "tensors");
  read_tensors(tensors, rules, tables);

  const Member& program = members.at("pickle");
  PickleInput input(source, program.begin, program.end, source->name() + " (pickle)");
  PickleHeap heap(input);
  rules.persistent = [&](PickleHeap& h, const Value& id) { return load_tensor(h, id, tables, max_bytes); };
  const Value root = PickleMachine(heap, rules).run();
  TorchContent content{source, "torch-tar", heap, root, {}};
  for (std::uint64_t i = 0; i < heap.storage_count(); ++i) {
    content.storages.push_back(tables.storages.at(heap.storage(i).key).raw);
  }
  return make_torch_dict(content, rule);
}

}  // namespace histojet::weights
