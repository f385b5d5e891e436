#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/bit_mask.hpp"

namespace histojet::nuclei {

/// Pixels [start, end) of one row that belong to component `label`; 0 once the component was removed.
struct Run {
  std::int32_t row;
  std::int32_t start;
  std::int32_t end;
  std::int32_t label;
};

/// Connected components as runs in raster order.
struct Components {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<Run> runs;
  std::vector<std::size_t> row_starts;  ///< [height + 1] first run of each row
  std::int32_t count = 0;               ///< labels are 1..count, removed ones included
};

/// Numbers the components of `runs` (raster order) 1..n by their first pixels and writes the numbers into the runs.
/// `reach` 0: joined through pixel sides; 1: through corners as well. @returns n.
std::int32_t label_runs(std::span<Run> runs, std::int32_t reach);

/// Components of the ones, joined through shared pixel sides, numbered by the raster order of their first pixels
/// (scipy.ndimage.label with its default structure).
Components label4(const BitMask& mask);

/// Labels of fewer than `smallest` pixels become 0; the others keep their number (hover_net's
/// remove_small_objects).
void remove_small(Components& components, std::int64_t smallest);

/// The pixels of all components that were not removed.
BitMask mask_of(const Components& components);

/// Sets every zero that no path of zeros through pixel sides joins to the outside of the image
/// (scipy.ndimage.binary_fill_holes).
void fill_holes(BitMask& mask);

/// Things with a label, grouped by it; each group keeps its order. Label 0 is left out.
template <class T>
class GroupsByLabel {
 public:
  /// `label_of(item)`: 0..count.
  template <class LabelOf>
  GroupsByLabel(std::span<const T> items, std::int32_t count, LabelOf label_of)
      : starts_(static_cast<std::size_t>(count) + 2) {
    for (const T& item : items) ++starts_[static_cast<std::size_t>(label_of(item))];
    starts_[0] = 0;
    std::size_t next = 0;
    for (std::size_t& start : starts_) {
      const std::size_t size = start;
      start = next;
      next += size;
    }
    items_.resize(next);
    std::vector<std::size_t> place = starts_;
    for (const T& item : items) {
      if (const std::int32_t label = label_of(item)) items_[place[static_cast<std::size_t>(label)]++] = item;
    }
  }

  /// The items of `label`, 1 <= label <= count; may be empty.
  std::span<const T> operator[](std::int32_t label) const {
    const std::size_t start = starts_[static_cast<std::size_t>(label)];
    return {items_.data() + start, starts_[static_cast<std::size_t>(label) + 1] - start};
  }

 private:
  std::vector<std::size_t> starts_;
  std::vector<T> items_;
};

/// Runs grouped by their component.
inline GroupsByLabel<Run> runs_by_label(std::span<const Run> runs, std::int32_t count) {
  return {runs, count, [](const Run& run) { return run.label; }};
}

/// Pixels of the runs.
std::int64_t pixel_count(std::span<const Run> runs);

/// The smallest rectangle around some runs; ends are exclusive.
struct Box {
  std::int32_t y0;
  std::int32_t x0;
  std::int32_t y1;
  std::int32_t x1;
};
Box bounding_box(std::span<const Run> runs);

}  // namespace histojet::nuclei
