#include "nuclei/watershed.hpp"

#include <algorithm>
#include <cstddef>

namespace histojet::nuclei {
namespace {

struct Entry {
  double value;
  std::int64_t age;
  std::int64_t pixel;

  bool before(const Entry& other) const { return value != other.value ? value < other.value : age < other.age; }
};

/// The binary heap of scikit-image's _shared/heap_general.pxi: which of two equal entries comes first follows from its
/// very steps, so they are repeated here.
class BinaryHeap {
 public:
  bool empty() const { return entries_.empty(); }

  void push(const Entry& entry) {
    entries_.push_back(entry);
    std::size_t child = entries_.size() - 1;
    while (child > 0) {
      const std::size_t parent = (child + 1) / 2 - 1;
      if (!entries_[child].before(entries_[parent])) break;
      std::swap(entries_[child], entries_[parent]);
      child = parent;
    }
  }

  Entry pop() {
    const Entry top = entries_.front();
    std::swap(entries_.front(), entries_.back());
    entries_.pop_back();
    std::size_t at = 0;
    while (true) {
      const std::size_t left = 2 * at + 1, right = left + 1;
      std::size_t least = at;
      if (left < entries_.size() && entries_[left].before(entries_[at])) least = left;
      if (right < entries_.size() && entries_[right].before(entries_[least])) least = right;
      if (least == at) return top;
      std::swap(entries_[at], entries_[least]);
      at = least;
    }
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace

void watershed(const double* values, std::int32_t* labels, std::int64_t height, std::int64_t width, bool monotone,
               const CancelToken& cancel) {
  BinaryHeap heap;
  for (std::int64_t i = 0; i < height * width; ++i) {
    if (labels[i] > 0) heap.push({values[i], 0, i});
  }
  std::int64_t age = 1;
  while (!heap.empty()) {
    if (age % 4096 == 0) cancel.throw_if_cancelled();
    const Entry entry = heap.pop();
    const std::int64_t y = entry.pixel / width, x = entry.pixel % width;
    const bool inside[4] = {y > 0, x > 0, x + 1 < width, y + 1 < height};
    const std::int64_t neighbours[4] = {entry.pixel - width, entry.pixel - 1, entry.pixel + 1, entry.pixel + width};
    for (int k = 0; k < 4; ++k) {
      const std::int64_t pixel = neighbours[k];
      if (!inside[k] || labels[pixel] != 0) continue;
      labels[pixel] = labels[entry.pixel];
      ++age;
      heap.push({monotone ? std::max(values[pixel], entry.value) : values[pixel], age, pixel});
    }
  }
}

}  // namespace histojet::nuclei
