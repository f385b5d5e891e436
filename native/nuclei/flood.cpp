#include "nuclei/flood.hpp"

#include <algorithm>

namespace histojet::nuclei {
namespace {

struct Entry {
  double value;
  std::uint32_t age;
  std::uint32_t pixel;
};

bool before(const Entry& a, const Entry& b) {
  return a.value < b.value || (a.value == b.value && a.age < b.age);
}

/// Heap with four children per node: half the depth of a binary one, children share a cache line.
class FourWayHeap {
 public:
  bool empty() const { return entries_.empty(); }
  const Entry& top() const { return entries_.front(); }

  void push(const Entry& entry) {
    std::size_t at = entries_.size();
    entries_.push_back(entry);
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!before(entry, entries_[parent])) break;
      entries_[at] = entries_[parent];
      at = parent;
    }
    entries_[at] = entry;
  }

  void pop() {
    const Entry last = entries_.back();
    entries_.pop_back();
    const std::size_t size = entries_.size();
    if (size == 0) return;
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = 4 * at + 1) {
      const std::size_t end = std::min(child + 4, size);
      std::size_t least = child;
      for (std::size_t i = child + 1; i < end; ++i) least = before(entries_[i], entries_[least]) ? i : least;
      if (!before(entries_[least], last)) break;
      entries_[at] = entries_[least];
      at = least;
    }
    entries_[at] = last;
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace

void Basin::reset(const Box& placed) {
  box = placed;
  stride = box.x1 - box.x0 + 2;
  const std::size_t size = static_cast<std::size_t>((box.y1 - box.y0 + 2) * stride);
  values.resize(size);
  labels.assign(size, -1);
}

void Basin::paint(const Run& run, std::int32_t label) {
  std::fill(label_row(run.row) + run.start, label_row(run.row) + run.end, label);
}

bool flood(Basin& basin, bool monotone) {
  const std::ptrdiff_t offsets[4] = {-basin.stride, -1, 1, basin.stride};
  std::int32_t* labels = basin.labels.data();
  const double* values = basin.values.data();
  const auto can_spread = [&](std::size_t pixel) {
    const std::int32_t* at = labels + pixel;
    return at[offsets[0]] == 0 || at[-1] == 0 || at[1] == 0 || at[offsets[3]] == 0;
  };
  FourWayHeap heap;
  const std::size_t first = static_cast<std::size_t>(basin.stride), end = basin.labels.size() - first;
  for (std::size_t pixel = first; pixel < end; ++pixel) {
    if (labels[pixel] > 0 && can_spread(pixel)) heap.push({values[pixel], 0, static_cast<std::uint32_t>(pixel)});
  }
  std::uint32_t age = 1;
  while (!heap.empty()) {
    const Entry entry = heap.top();
    heap.pop();
    if (entry.age == 0 && !heap.empty() && heap.top().age == 0 && heap.top().value == entry.value) return false;
    for (const std::ptrdiff_t offset : offsets) {
      const std::size_t pixel = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(entry.pixel) + offset);
      if (labels[pixel] != 0) continue;
      labels[pixel] = labels[entry.pixel];
      ++age;
      if (!can_spread(pixel)) continue;
      const double value = monotone ? std::max(values[pixel], entry.value) : values[pixel];
      heap.push({value, age, static_cast<std::uint32_t>(pixel)});
    }
  }
  return true;
}

}  // namespace histojet::nuclei
