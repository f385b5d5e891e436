#include "nuclei/box_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace histojet::nuclei {
namespace {

constexpr double kMostCells = 256;

bool usable(const Extent& box) {
  return box.x0 <= box.x1 && box.y0 <= box.y1 && std::isfinite(box.x1 - box.x0 + box.y1 - box.y0);
}

}  // namespace

Extent extent_of(std::span<const float> ring) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Extent extent{kInfinity, kInfinity, -kInfinity, -kInfinity};
  for (std::size_t i = 0; i + 1 < ring.size(); i += 2) {
    if (!std::isfinite(ring[i]) || !std::isfinite(ring[i + 1])) return {kInfinity, kInfinity, -kInfinity, -kInfinity};
    extent.x0 = std::min<double>(extent.x0, ring[i]);
    extent.y0 = std::min<double>(extent.y0, ring[i + 1]);
    extent.x1 = std::max<double>(extent.x1, ring[i]);
    extent.y1 = std::max<double>(extent.y1, ring[i + 1]);
  }
  return extent;
}

BoxGrid::BoxGrid(std::vector<Extent> boxes) : boxes_(std::move(boxes)) {
  double sides = 0, count = 0;
  for (const Extent& box : boxes_) {
    if (!usable(box)) continue;
    sides += box.x1 - box.x0 + box.y1 - box.y0;
    ++count;
  }
  // Twice a typical side: most rectangles then lie in one to four cells.
  if (sides > 0) cell_ = std::max(sides / count, 1e-3);
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    if (!usable(boxes_[i])) continue;
    const auto index = static_cast<std::int32_t>(i);
    if (!for_each_cell(boxes_[i], [&](std::uint64_t key) { cells_[key].push_back(index); })) large_.push_back(index);
  }
}

template <class Visit>
bool BoxGrid::for_each_cell(const Extent& box, Visit visit) const {
  const double x0 = std::floor(box.x0 / cell_), x1 = std::floor(box.x1 / cell_);
  const double y0 = std::floor(box.y0 / cell_), y1 = std::floor(box.y1 / cell_);
  if ((x1 - x0 + 1) * (y1 - y0 + 1) > kMostCells || std::fabs(x0) + std::fabs(y0) > 1e9) return false;
  for (auto y = static_cast<std::int64_t>(y0); y <= static_cast<std::int64_t>(y1); ++y) {
    for (auto x = static_cast<std::int64_t>(x0); x <= static_cast<std::int64_t>(x1); ++x) {
      visit(static_cast<std::uint64_t>(y) << 32 ^ (static_cast<std::uint64_t>(x) & 0xffffffffu));
    }
  }
  return true;
}

void BoxGrid::find(const Extent& box, std::vector<std::int32_t>& found) const {
  found.clear();
  if (!usable(box)) return;
  const auto add = [&](std::int32_t index) {
    if (boxes_[static_cast<std::size_t>(index)].meets(box)) found.push_back(index);
  };
  const bool searched = for_each_cell(box, [&](std::uint64_t key) {
    const auto cell = cells_.find(key);
    if (cell != cells_.end()) std::for_each(cell->second.begin(), cell->second.end(), add);
  });
  if (searched) {
    std::for_each(large_.begin(), large_.end(), add);
  } else {
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (usable(boxes_[i])) add(static_cast<std::int32_t>(i));
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
}

}  // namespace histojet::nuclei
