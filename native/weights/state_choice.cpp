#include "weights/state_choice.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/text.hpp"

namespace histojet::weights {
namespace {

constexpr std::array<std::string_view, 11> kUsualKeys = {
    "state_dict", "model_state_dict", "model_dict", "desc",       "model", "net",
    "teacher",    "student",          "module",     "params_ema", "ema"};
constexpr std::size_t kMaxTensors = 1 << 18;
constexpr std::size_t kMaxNameBytes = 64 << 10;
constexpr std::size_t kMaxSumOfNames = 16 << 20;
constexpr std::size_t kMaxSumOfRanks = 4 << 20;
constexpr std::size_t kMaxVisits = 1 << 19;
constexpr std::size_t kMaxMetadataBytes = 256;
constexpr std::size_t kListedCandidates = 8;

/// The pairs of a dict that count: text keys, each with its last value, in order of first appearance.
std::vector<std::pair<std::string_view, Value>> text_pairs(const PickleHeap& heap, const Value& dict) {
  const std::vector<Value>& items = heap.items(dict);
  std::vector<std::pair<std::string_view, Value>> pairs;
  std::unordered_map<std::string_view, std::size_t> positions;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != ValueKind::kString) continue;
    const std::string_view key = heap.text(items[i]);
    const auto [position, fresh] = positions.emplace(key, pairs.size());
    if (fresh) {
      pairs.emplace_back(key, items[i + 1]);
    } else {
      pairs[position->second].second = items[i + 1];
    }
  }
  return pairs;
}

bool has_tensor(const PickleHeap& heap, const Value& dict) {
  const std::vector<Value>& items = heap.items(dict);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == ValueKind::kString && items[i + 1].kind == ValueKind::kTensor) return true;
  }
  return false;
}

bool all_tensors(const PickleHeap& heap, const Value& dict) {
  const std::vector<Value>& items = heap.items(dict);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != ValueKind::kString || items[i + 1].kind != ValueKind::kTensor) return false;
  }
  return !items.empty();
}

std::optional<std::string> scalar_text(const PickleHeap& heap, const Value& value) {
  char digits[64];
  switch (value.kind) {
    case ValueKind::kBool:
      return value.integer != 0 ? "true" : "false";
    case ValueKind::kInt:
      return std::to_string(value.integer);
    case ValueKind::kFloat: {
      const auto end = std::to_chars(digits, digits + sizeof digits, value.real).ptr;
      return std::string(digits, end);
    }
    case ValueKind::kString:
      if (value.length <= kMaxMetadataBytes) return std::string(heap.text(value));
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::map<std::string, std::string> scalars(const PickleHeap& heap, const Value& dict) {
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : text_pairs(heap, dict)) {
    if (key.size() > kMaxMetadataBytes) continue;
    if (auto text = scalar_text(heap, value)) metadata.emplace(key, std::move(*text));
  }
  return metadata;
}

/// Walks containers without recursion deeper than the 200 levels that check_graph allows, and never endlessly: shared
/// containers could otherwise be visited exponentially often.
class Walker {
 public:
  Walker(const PickleHeap& heap, const std::string& file) : heap_(heap), file_(file) {}

  /// All tensors below a dict, nested dicts with dotted names.
  void flatten(const Value& dict, const std::string& prefix, StateChoice& choice) {
    for (const auto& [key, value] : text_pairs(heap_, dict)) {
      visit();
      if (value.kind != ValueKind::kTensor && value.kind != ValueKind::kDict) continue;
      std::string name = prefix + std::string(key);
      name_bytes_ += name.size();
      if (name.size() > kMaxNameBytes || name_bytes_ > kMaxSumOfNames)
        corrupt(file_, "the names of its tensors are too long");
      if (value.kind == ValueKind::kDict) {
        flatten(value, name + ".", choice);
      } else {
        add(std::move(name), value, choice);
      }
    }
  }

  /// Paths of all dicts with nothing but tensors; shared ones are found once.
  void candidates(const Value& value, const std::string& path, std::vector<std::pair<std::string, Value>>& found) {
    if (seen_.empty()) seen_.resize(heap_.container_count());
    if (seen_[value.index]) return;
    seen_[value.index] = true;
    if (value.kind == ValueKind::kDict && all_tensors(heap_, value)) {
      if (found.size() <= kListedCandidates) found.emplace_back(path, value);
      return;
    }
    const std::vector<Value>& items = heap_.items(value);
    const bool dict = value.kind == ValueKind::kDict;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!is_container(items[i].kind)) continue;
      const bool named =
          dict && i % 2 == 1 && items[i - 1].kind == ValueKind::kString && path.size() < kMaxMetadataBytes;
      const std::string step = named ? quote(heap_.text(items[i - 1])) : dict ? "…" : std::to_string(i);
      candidates(items[i], path.empty() ? step : path + " → " + step, found);
    }
  }

 private:
  void visit() {
    if (++visits_ > kMaxVisits) corrupt(file_, "its nested dicts hold more than 524288 entries");
  }

  void add(std::string name, const Value& value, StateChoice& choice) {
    ranks_ += heap_.items_at(heap_.tensor(value).sizes).size();
    if (choice.tensors.size() == kMaxTensors || ranks_ > kMaxSumOfRanks)
      corrupt(file_, "it names more than 262144 tensors");
    choice.tensors.emplace_back(std::move(name), value);
  }

  const PickleHeap& heap_;
  const std::string& file_;
  std::vector<bool> seen_;
  std::size_t visits_ = 0;
  std::size_t name_bytes_ = 0;
  std::size_t ranks_ = 0;
};

/// The dict under one of the usual keys; wrappers within wrappers are followed.
std::optional<std::pair<Value, Value>> find_usual(const PickleHeap& heap, const Value& root) {
  Value parent = root;
  for (;;) {
    std::optional<Value> child;
    for (const std::string_view key : kUsualKeys) {
      const auto value = heap.lookup(parent, key);
      if (value && value->kind == ValueKind::kDict && !heap.items(*value).empty()) {
        child = value;
        break;
      }
    }
    if (!child) return std::nullopt;
    if (has_tensor(heap, *child)) return std::pair(*child, parent);
    const bool wraps = std::any_of(kUsualKeys.begin(), kUsualKeys.end(), [&](std::string_view key) {
      const auto value = heap.lookup(*child, key);
      return value && value->kind == ValueKind::kDict;
    });
    if (!wraps) return std::pair(*child, parent);
    parent = *child;
  }
}

[[noreturn]] void give_up(const std::vector<std::pair<std::string, Value>>& found, const std::string& file) {
  if (found.empty()) unsupported(file, "it holds no state dict: no dict of named tensors was found");
  std::string list;
  for (std::size_t i = 0; i < std::min(found.size(), kListedCandidates); ++i) {
    list += (list.empty() ? "" : ", ") + found[i].first;
  }
  unsupported(file, "several of its dicts could be the state dict (" + list +
                        (found.size() > kListedCandidates ? ", …" : "") + "); save the wanted one alone");
}

/// Dotted names of different dicts can meet ("a" → "b.c" and "a.b" → "c").
void check_unique(const StateChoice& choice, const std::string& file) {
  std::vector<std::string_view> names;
  for (const auto& tensor : choice.tensors) names.push_back(tensor.first);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) corrupt(file, "two of its tensors are called " + quote(*twice));
}

}  // namespace

StateChoice choose_state(const PickleHeap& heap, const Value& root, const std::string& file) {
  Walker walker(heap, file);
  StateChoice choice;
  if (root.kind == ValueKind::kTensor) {
    choice.tensors.emplace_back("tensor", root);
    return choice;
  }
  if (!is_container(root.kind)) give_up({}, file);
  if (root.kind == ValueKind::kDict && all_tensors(heap, root)) {
    walker.flatten(root, "", choice);
    return choice;
  }
  const bool is_dict = root.kind == ValueKind::kDict;
  const auto usual = is_dict ? find_usual(heap, root) : std::nullopt;
  if (usual) {
    walker.flatten(usual->first, "", choice);
    choice.metadata = scalars(heap, usual->second);
  }
  if (choice.tensors.empty() && is_dict && has_tensor(heap, root)) {
    walker.flatten(root, "", choice);
    choice.metadata = scalars(heap, root);
  }
  if (choice.tensors.empty()) {
    std::vector<std::pair<std::string, Value>> found;
    walker.candidates(root, "", found);
    if (found.size() != 1) give_up(found, file);
    walker.flatten(found.front().second, "", choice);
    if (is_dict) choice.metadata = scalars(heap, root);
  }
  if (choice.tensors.empty()) give_up({}, file);
  check_unique(choice, file);
  return choice;
}

}  // namespace histojet::weights
