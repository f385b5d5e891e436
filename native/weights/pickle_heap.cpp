#include "weights/pickle_heap.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::uint64_t kFreeObjects = 1'000'000;
constexpr std::size_t kMaxDepth = 200;

}  // namespace

void PickleHeap::count_objects(std::uint64_t count) {
  // A program of n bytes can ask for n empty containers; honest ones need one per four bytes at most.
  objects_ += count;
  if (objects_ > std::max(kFreeObjects, input_.consumed() / 4)) {
    corrupt_at(input_.label(), input_.offset(), "the pickle creates too many objects for its length");
  }
}

Value PickleHeap::make_container(ValueKind kind) {
  count_objects(1);
  containers_.emplace_back();
  Value value{kind};
  value.index = containers_.size() - 1;
  return value;
}

Value PickleHeap::root_storage(const std::string& key, std::optional<DType> dtype, std::uint64_t elements) {
  Value value{ValueKind::kStorage};
  const auto known = storage_by_key_.find(key);
  if (known != storage_by_key_.end()) {
    const StorageRef& first = storages_[known->second];
    if (first.dtype != dtype || first.elements != elements) {
      corrupt_at(input_.label(), input_.offset(),
                 "storage " + quote(key) + " is mentioned with two different types or sizes");
    }
    value.index = known->second;
    return value;
  }
  count_objects(1);
  value.index = storages_.size();
  storages_.push_back({key, dtype, elements, value.index, 0});
  storage_by_key_.emplace(key, value.index);
  return value;
}

Value PickleHeap::storage_view(std::uint64_t root, std::uint64_t offset, std::uint64_t elements) {
  const StorageRef& owner = storages_[root];
  if (offset > owner.elements || elements > owner.elements - offset) {
    corrupt_at(input_.label(), input_.offset(),
               "a view of storage " + quote(owner.key) + " starts at element " + std::to_string(offset) + " and has " +
                   std::to_string(elements) + " elements, but the storage has only " + std::to_string(owner.elements));
  }
  count_objects(1);
  storages_.push_back({owner.key, owner.dtype, elements, root, offset});
  Value value{ValueKind::kStorage};
  value.index = storages_.size() - 1;
  return value;
}

std::optional<std::uint64_t> PickleHeap::find_storage(const std::string& key) const {
  const auto found = storage_by_key_.find(key);
  return found == storage_by_key_.end() ? std::nullopt : std::optional(found->second);
}

Value PickleHeap::add_tensor(const TensorRef& tensor) {
  count_objects(1);
  tensors_.push_back(tensor);
  Value value{ValueKind::kTensor};
  value.index = tensors_.size() - 1;
  return value;
}

std::optional<Value> PickleHeap::lookup(const Value& dict, std::string_view key) const {
  const std::vector<Value>& pairs = items(dict);
  for (std::size_t i = pairs.size(); i >= 2; i -= 2) {
    if (pairs[i - 2].kind == ValueKind::kString && text(pairs[i - 2]) == key) return pairs[i - 1];
  }
  return std::nullopt;
}

void check_graph(const PickleHeap& heap, const Value& root) {
  struct Step {
    std::uint64_t container;
    std::size_t next;
    std::size_t height;
  };
  if (!is_container(root.kind)) return;
  constexpr std::uint8_t kUnseen = 0, kOpen = 255;
  // Height of every finished container (1 to 200), so that shared ones are walked once.
  std::vector<std::uint8_t> state(heap.container_count(), kUnseen);
  std::vector<Step> path{{root.index, 0, 1}};
  state[root.index] = kOpen;
  const auto too_deep = [&] { corrupt(heap.input().label(), "the pickle nests containers deeper than 200 levels"); };
  while (!path.empty()) {
    Step& step = path.back();
    const std::vector<Value>& items = heap.items_at(step.container);
    if (step.next == items.size()) {
      const std::size_t height = step.height;
      state[step.container] = static_cast<std::uint8_t>(height);
      path.pop_back();
      if (!path.empty()) path.back().height = std::max(path.back().height, height + 1);
      continue;
    }
    const Value& item = items[step.next++];
    if (!is_container(item.kind)) continue;
    std::uint8_t& seen = state[item.index];
    if (seen == kOpen) corrupt(heap.input().label(), "the pickle holds a container that contains itself");
    if (path.size() + std::max<std::size_t>(seen, 1) > kMaxDepth) too_deep();
    if (seen != kUnseen) {
      step.height = std::max(step.height, std::size_t{seen} + 1);
    } else {
      seen = kOpen;
      path.push_back({item.index, 0, 1});
    }
  }
}

}  // namespace histojet::weights
