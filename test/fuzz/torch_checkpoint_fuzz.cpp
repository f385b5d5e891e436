// Any bytes as a PyTorch checkpoint: as a whole file (zip, legacy or tar, by content), and as a pickle program, which
// the checksum of a zip record would otherwise hide from the fuzzer. The last byte chooses inert mode.
#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "weights/open.hpp"
#include "weights/pickle_machine.hpp"
#include "weights/state_choice.hpp"
#include "weights/torch_storage.hpp"
#include "weights/zip_archive.hpp"

namespace {

using namespace histojet;
using namespace histojet::weights;

constexpr std::size_t kReadAtMost = 16u << 20;

void open_whole(const std::shared_ptr<const ByteSource>& source, const OpenOptions& options) {
  const auto dict = open_source(source, options, PrefixRule::kStrip);
  std::size_t bytes = 0;
  for (const std::string& name : dict->names()) {
    const StateDict::Entry& entry = dict->entry(name);
    bytes += static_cast<std::size_t>(element_count(entry.shape)) * dtype_size(entry.dtype);
    if (bytes > kReadAtMost) return;
    dict->get(name);
  }
}

void run_program(const std::shared_ptr<const ByteSource>& source, const OpenOptions& options) {
  PickleInput input(source, 0, source->size(), source->name());
  PickleHeap heap(input);
  const auto storage_of = [](PickleHeap& owner, const Value& id) {
    const auto storage = parse_storage_id(owner, id);
    if (!storage) return Value{ValueKind::kOpaque};
    const Value root = owner.root_storage(storage->key, storage->dtype, storage->elements);
    return storage->view ? owner.storage_view(root.index, storage->view->offset, storage->view->elements) : root;
  };
  const PickleRules rules{storage_of, options.opaque_globals, max_tensor_bytes(source->size())};
  const Value root = PickleMachine(heap, rules).run();
  check_graph(heap, root);
  choose_state(heap, root, source->name());
}

/// The program of an archive, whatever its checksum.
void run_program_of_zip(const std::shared_ptr<const ByteSource>& source, const OpenOptions& options) {
  const ZipArchive archive = ZipArchive::open(*source);
  const ZipRecord* program = archive.find("data.pkl");
  if (program == nullptr) return;
  run_program(memory_source(source->read(program->offset, program->size), "fuzz.pth"), options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const OpenOptions options{(data[size - 1] & 1) != 0};
  const auto source = memory_source({data, data + size}, "fuzz.pth");
  for (const auto& attempt : {open_whole, run_program, run_program_of_zip}) {
    try {
      attempt(source, options);
    } catch (const Error&) {
    }
  }
  return 0;
}
