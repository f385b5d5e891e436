#include <cstring>

#include "base/text.hpp"
#include "weights/pickle_machine.hpp"
#include "weights/torch_forms.hpp"
#include "weights/torch_storage.hpp"

namespace histojet::weights {
namespace {

/// 0x1950a86a20f9469cfc6c, little-endian as a pickle stores it.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t kProtocolVersion = 1001;

Value refuse_id(PickleHeap& heap, const Value&) {
  corrupt_at(heap.input().label(), heap.input().offset(), "a storage is mentioned in front of the checkpoint's object");
}

void check_preamble(PickleMachine& machine, PickleHeap& heap) {
  const std::string& file = heap.input().label();
  const Value magic = machine.run();
  if (magic.kind != ValueKind::kBigInt || heap.text(magic) != kMagic) {
    unsupported(file, "a plain pickle, but no PyTorch checkpoint (its first object is not PyTorch's magic number)");
  }
  const Value version = machine.run();
  if (version.kind != ValueKind::kInt || version.integer != kProtocolVersion) {
    unsupported(file, "a legacy PyTorch checkpoint of an unknown protocol version");
  }
  const Value system = machine.run();
  if (system.kind != ValueKind::kDict) corrupt(file, "the system information of the checkpoint is no dict");
  const auto little_endian = heap.lookup(system, "little_endian");
  if (!little_endian || little_endian->kind != ValueKind::kBool) {
    corrupt(file, "the system information of the checkpoint does not tell its byte order");
  }
  if (little_endian->integer == 0) {
    unsupported(file, "saved on a big-endian machine; convert it to safetensors on a little-endian one");
  }
}

Value load_storage(PickleHeap& heap, const Value& id, std::uint64_t file_bytes) {
  const auto storage = parse_storage_id(heap, id);
  if (!storage) return Value{ValueKind::kOpaque};
  if (storage->elements * storage->element_bytes() > file_bytes) {
    corrupt_at(heap.input().label(), heap.input().offset(),
               "storage " + quote(storage->key) + " claims " + std::to_string(storage->elements) +
                   " elements, more than the file can hold");
  }
  const Value root = heap.root_storage(storage->key, storage->dtype, storage->elements);
  return storage->view ? heap.storage_view(root.index, storage->view->offset, storage->view->elements) : root;
}

/// Walks over the raw storages that follow the list of their keys.
void locate_storages(const PickleHeap& heap, const Value& keys, TorchContent& content) {
  const ByteSource& source = *content.source;
  if (keys.kind != ValueKind::kList) corrupt(source.name(), "the list of storages of the checkpoint is no list");
  std::uint64_t at = heap.input().offset();
  content.storages.resize(heap.storage_count());
  for (const Value& item : heap.items(keys)) {
    if (item.kind != ValueKind::kString) corrupt(source.name(), "a storage key of the checkpoint is no text");
    const std::string key(heap.text(item));
    const auto number = heap.find_storage(key);
    if (!number) corrupt_at(source.name(), at, "storage " + quote(key) + " is listed but never mentioned");
    if (content.storages[*number]) corrupt_at(source.name(), at, "storage " + quote(key) + " is listed twice");
    const StorageRef& storage = heap.storage(*number);
    std::uint64_t elements;
    std::uint8_t count[8];
    source.read_at(at, count);
    std::memcpy(&elements, count, 8);
    const std::uint64_t bytes = storage.bytes();
    if (elements != storage.elements || !source.contains(at + 8, bytes)) {
      corrupt_at(source.name(), at,
                 "storage " + quote(key) + " should have " + std::to_string(storage.elements) +
                     " elements; the file holds " + std::to_string(elements) +
                     (elements == storage.elements ? ", but ends before them (truncated?)" : ""));
    }
    content.storages[*number] = RawStorage{at + 8, bytes, std::nullopt, key};
    at += 8 + bytes;
  }
}

}  // namespace

std::shared_ptr<const StateDict> open_torch_legacy(const std::shared_ptr<const ByteSource>& source,
                                                   const OpenOptions& options, PrefixRule rule) {
  PickleInput input(source, 0, source->size(), source->name());
  PickleHeap heap(input);
  PickleRules rules{refuse_id, options.opaque_globals, max_tensor_bytes(source->size())};
  const auto run_next = [&] { return PickleMachine(heap, rules).run(); };
  {
    PickleMachine machine(heap, rules);
    check_preamble(machine, heap);
  }
  rules.persistent = [&](PickleHeap& h, const Value& id) { return load_storage(h, id, source->size()); };
  const Value root = run_next();
  rules.persistent = refuse_id;
  const Value keys = run_next();
  TorchContent content{source, "torch-legacy", heap, root, {}};
  locate_storages(heap, keys, content);
  return make_torch_dict(content, rule);
}

}  // namespace histojet::weights
