#include "nuclei/nucleus_list.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace histojet::nuclei {

bool NucleusList::same_measurements(const NucleusList& other) const {
  return std::ranges::equal(measurements, other.measurements, {}, &MeasurementColumn::name, &MeasurementColumn::name);
}

void NucleusList::append(const NucleusList& other, std::size_t i) {
  if (i >= other.size())
    throw Error(ErrorCode::kInvalidArgument,
                "nuclei: no nucleus " + std::to_string(i) + " of " + std::to_string(other.size()) + " to append");
  if (size() > 0 && typed() != other.typed()) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: lists with and without types cannot be joined");
  }
  if (size() > 0 && !same_measurements(other)) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: lists with different measurements cannot be joined");
  }
  if (size() == 0) {
    measurements.clear();
    for (const MeasurementColumn& column : other.measurements) measurements.push_back({column.name, {}});
  }
  for (std::size_t m = 0; m < measurements.size(); ++m) {
    measurements[m].values.push_back(other.measurements[m].values[i]);
  }
  centroids.insert(centroids.end(), other.centroids.begin() + 2 * static_cast<std::ptrdiff_t>(i),
                   other.centroids.begin() + 2 * static_cast<std::ptrdiff_t>(i) + 2);
  boxes.insert(boxes.end(), other.boxes.begin() + 4 * static_cast<std::ptrdiff_t>(i),
               other.boxes.begin() + 4 * static_cast<std::ptrdiff_t>(i) + 4);
  if (other.typed()) {
    // Lists made from outlines have types without probabilities; one such part leaves the whole list without them.
    if (!other.type_probabilities.empty() && type_probabilities.size() == size()) {
      type_probabilities.push_back(other.type_probabilities[i]);
    } else {
      type_probabilities.clear();
    }
    types.push_back(other.types[i]);
  }
  areas.push_back(other.areas[i]);
  const std::span<const float> ring = other.contour(i);
  contour_points.insert(contour_points.end(), ring.begin(), ring.end());
  contour_starts.push_back(contour_points.size() / 2);
}

void NucleusList::transform(double scale_x, double scale_y, double dx, double dy, double area_scale) {
  const auto move = [&](std::vector<float>& pairs) {
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      pairs[i] = static_cast<float>(pairs[i] * scale_x + dx);
      pairs[i + 1] = static_cast<float>(pairs[i + 1] * scale_y + dy);
    }
  };
  move(centroids);
  move(boxes);
  move(contour_points);
  for (float& area : areas) area = static_cast<float>(area * area_scale);
}

}  // namespace histojet::nuclei
