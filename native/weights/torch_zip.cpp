#include <algorithm>

#include "base/text.hpp"
#include "weights/pickle_machine.hpp"
#include "weights/torch_forms.hpp"
#include "weights/torch_storage.hpp"
#include "weights/zip_archive.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kMaxPickleBytes = 256u << 20;

void check_kind(const ZipArchive& archive, const ByteSource& source) {
  const std::string& file = source.name();
  if (archive.find("constants.pkl") != nullptr || archive.has_folder("code")) {
    unsupported(file,
                "a TorchScript archive: it holds a program, not only weights. Load it in PyTorch and save "
                "model.state_dict()");
  }
  const ZipRecord* program = archive.find("data.pkl");
  if (program == nullptr) unsupported(file, "a ZIP archive, but no PyTorch checkpoint: it has no data.pkl");
  if (program->size > kMaxPickleBytes) corrupt(file, "its data.pkl is longer than the allowed 256 MiB");
  const ZipRecord* order = archive.find("byteorder");
  if (order == nullptr) return;
  const std::vector<std::uint8_t> bytes =
      order->size <= 16 ? archive.read(source, "byteorder") : std::vector<std::uint8_t>{};
  const std::string text(bytes.begin(), bytes.end());
  if (text == "big") {
    unsupported(file, "saved on a big-endian machine; convert it to safetensors on a little-endian one");
  }
  if (text != "little") corrupt(file, "its byteorder record is neither 'little' nor 'big'");
}

Value load_storage(PickleHeap& heap, const Value& id, const ZipArchive& archive) {
  const auto storage = parse_storage_id(heap, id);
  if (!storage) return Value{ValueKind::kOpaque};
  const auto fail = [&](const std::string& reason) {
    corrupt_at(heap.input().label(), heap.input().offset(), "storage " + quote(storage->key) + " " + reason);
  };
  if (storage->view) fail("is a view, which this file form does not have");
  const ZipRecord* record = archive.find("data/" + storage->key);
  if (record == nullptr || storage->key.find('/') != std::string::npos) fail("is not in the archive");
  const std::uint64_t expected = storage->elements * storage->element_bytes();
  if (record->size != expected) {
    fail("should have " + std::to_string(expected) + " bytes, its record has " + std::to_string(record->size));
  }
  return heap.root_storage(storage->key, storage->dtype, storage->elements);
}

}  // namespace

std::shared_ptr<const StateDict> open_torch_zip(const std::shared_ptr<const ByteSource>& source,
                                                const OpenOptions& options, PrefixRule rule) {
  const ZipArchive archive = ZipArchive::open(*source);
  check_kind(archive, *source);
  const std::string label = source->name() + " (record " + quote(archive.top() + "/data.pkl") + ")";
  const auto program = memory_source(archive.read(*source, "data.pkl"), label);
  PickleInput input(program, 0, program->size(), label);
  PickleHeap heap(input);
  PickleRules rules{[&](PickleHeap& h, const Value& id) { return load_storage(h, id, archive); },
                    options.opaque_globals, max_tensor_bytes(source->size())};
  const Value root = PickleMachine(heap, rules).run();

  TorchContent content{source, "torch-zip", heap, root, {}};
  for (std::uint64_t i = 0; i < heap.storage_count(); ++i) {
    const ZipRecord& record = *archive.find("data/" + heap.storage(i).key);
    content.storages.push_back(RawStorage{record.offset, record.size, record.crc, heap.storage(i).key});
  }
  return make_torch_dict(content, rule);
}

}  // namespace histojet::weights
