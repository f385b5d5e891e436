#include "nuclei/components.hpp"

#include <algorithm>
#include <numeric>

namespace histojet::nuclei {
namespace {

/// Disjoint sets of runs whose representative is the set's first run, so that roots rise in raster order.
class RunForest {
 public:
  explicit RunForest(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0u); }

  std::uint32_t root(std::uint32_t i) {
    while (parent_[i] != i) {
      parent_[i] = parent_[parent_[i]];
      i = parent_[i];
    }
    return i;
  }
  /// An earlier run of the same set, or `i` if there is none.
  std::uint32_t parent(std::uint32_t i) const { return parent_[i]; }
  void join(std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    if (a < b) {
      parent_[b] = a;
    } else {
      parent_[a] = b;
    }
  }

 private:
  std::vector<std::uint32_t> parent_;
};

/// Joins the runs of two neighbouring rows that touch; both lists are sorted by column. `runs[i]` are those of the
/// upper row up to `below`, which starts the lower row up to `end`.
void join_rows(std::span<const Run> runs, std::size_t above, std::size_t below, std::size_t end, std::int32_t reach,
               RunForest& forest) {
  std::size_t i = above, j = below;
  while (i < below && j < end) {
    if (runs[i].start < runs[j].end + reach && runs[j].start < runs[i].end + reach) {
      forest.join(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
    }
    if (runs[i].end < runs[j].end) {
      ++i;
    } else {
      ++j;
    }
  }
}

}  // namespace

std::int32_t label_runs(std::span<Run> runs, std::int32_t reach) {
  RunForest forest(runs.size());
  std::size_t above = 0, here = 0;
  while (here < runs.size()) {
    std::size_t next = here;
    while (next < runs.size() && runs[next].row == runs[here].row) ++next;
    if (here > above && runs[above].row + 1 == runs[here].row) join_rows(runs, above, here, next, reach, forest);
    above = here;
    here = next;
  }
  std::int32_t count = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    // What a run hangs on came before it and has the component's number already.
    const std::uint32_t above = forest.parent(static_cast<std::uint32_t>(i));
    runs[i].label = above == i ? ++count : runs[above].label;
  }
  return count;
}

Components label4(const BitMask& mask) {
  Components found;
  found.height = mask.height();
  found.width = mask.width();
  found.row_starts.reserve(static_cast<std::size_t>(mask.height()) + 1);
  for (std::int64_t y = 0; y < mask.height(); ++y) {
    found.row_starts.push_back(found.runs.size());
    for_each_run(mask, y, [&](std::int64_t start, std::int64_t end) {
      found.runs.push_back(
          {static_cast<std::int32_t>(y), static_cast<std::int32_t>(start), static_cast<std::int32_t>(end), 0});
    });
  }
  found.row_starts.push_back(found.runs.size());

  found.count = label_runs(found.runs, 0);
  return found;
}

void remove_small(Components& components, std::int64_t smallest) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(components.count) + 1);
  for (const Run& run : components.runs) sizes[static_cast<std::size_t>(run.label)] += run.end - run.start;
  for (Run& run : components.runs) {
    if (sizes[static_cast<std::size_t>(run.label)] < smallest) run.label = 0;
  }
}

BitMask mask_of(const Components& components) {
  BitMask mask(components.height, components.width);
  for (const Run& run : components.runs) {
    if (run.label != 0) mask.set_run(run.row, run.start, run.end);
  }
  return mask;
}

void fill_holes(BitMask& mask) {
  BitMask background = mask;
  background.invert();
  const Components zeros = label4(background);
  std::vector<bool> open(static_cast<std::size_t>(zeros.count) + 1);
  for (const Run& run : zeros.runs) {
    if (run.row == 0 || run.row + 1 == zeros.height || run.start == 0 || run.end == zeros.width) {
      open[static_cast<std::size_t>(run.label)] = true;
    }
  }
  for (const Run& run : zeros.runs) {
    if (!open[static_cast<std::size_t>(run.label)]) mask.set_run(run.row, run.start, run.end);
  }
}

std::int64_t pixel_count(std::span<const Run> runs) {
  std::int64_t count = 0;
  for (const Run& run : runs) count += run.end - run.start;
  return count;
}

Box bounding_box(std::span<const Run> runs) {
  Box box{runs.front().row, runs.front().start, runs.back().row + 1, runs.front().end};
  for (const Run& run : runs) {
    box.x0 = std::min(box.x0, run.start);
    box.x1 = std::max(box.x1, run.end);
  }
  return box;
}

}  // namespace histojet::nuclei
