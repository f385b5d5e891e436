#include "readers/outline_collector.hpp"

#include <span>
#include <utility>

#include "nuclei/outline_measures.hpp"

namespace histojet::readers {

bool OutlineCollector::finish_ring() {
  std::vector<float>& all = list_.contour_points;
  const std::size_t count = std::exchange(points_, 0);
  if (count < 3) {
    all.resize(all.size() - 2 * count);
    return false;
  }
  if (count > 3 && first_x_ == last_x_ && first_y_ == last_y_) all.resize(all.size() - 2);
  nuclei::append_outline_measures(std::span<const float>(all).subspan(2 * list_.contour_starts.back()), list_);
  list_.contour_starts.push_back(all.size() / 2);
  return true;
}

void OutlineCollector::discard_untyped() {
  const std::size_t count = list_.types.size();
  points_ = 0;
  list_.centroids.resize(2 * count);
  list_.boxes.resize(4 * count);
  list_.areas.resize(count);
  list_.contour_starts.resize(count + 1);
  list_.contour_points.resize(2 * list_.contour_starts.back());
}

nuclei::NucleusList OutlineCollector::take() {
  nuclei::NucleusList taken;
  // The next batch will be much like this one.
  taken.contour_points.reserve(list_.contour_points.size());
  taken.contour_starts.reserve(list_.contour_starts.size());
  taken.centroids.reserve(list_.centroids.size());
  taken.boxes.reserve(list_.boxes.size());
  taken.areas.reserve(list_.areas.size());
  taken.types.reserve(list_.types.size());
  std::swap(taken, list_);
  return taken;
}

}  // namespace histojet::readers
