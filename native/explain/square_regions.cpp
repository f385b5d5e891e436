#include "explain/square_regions.hpp"

#include <algorithm>
#include <tuple>

namespace histojet::explain {

SquareRegions::SquareRegions(const models::RegionSource& source, std::int64_t region_px)
    : region_px_(region_px), width_px_(source.width_px()), height_px_(source.height_px()) {
  places_.reserve(source.regions().size());
  for (const tokens::GridCell cell : source.regions()) {
    places_.push_back({cell.row, cell.column, static_cast<std::int64_t>(places_.size())});
  }
  std::ranges::sort(places_, {}, [](const Place& place) { return std::tuple(place.row, place.column); });
}

std::vector<std::int64_t> SquareRegions::under(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const {
  std::vector<std::int64_t> numbers;
  if (x_px >= width_px_ || y_px >= height_px_) return numbers;
  const std::int64_t bottom = (y_px + side_px - 1) / region_px_, right = (x_px + side_px - 1) / region_px_;
  for (std::int64_t row = y_px / region_px_; row <= bottom; ++row) {
    auto place = std::ranges::lower_bound(places_, std::tuple(row, x_px / region_px_), {},
                                          [](const Place& p) { return std::tuple(p.row, p.column); });
    if (place == places_.end()) break;
    for (; place != places_.end() && place->row == row && place->column <= right; ++place) {
      numbers.push_back(place->number);
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace histojet::explain
