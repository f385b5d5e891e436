#include "histojet/nuclei.hpp"

#include <algorithm>
#include <cmath>

namespace histojet {

namespace {

/// Adds one ring's centroid, box and area. Shoelace sums are taken around the ring's first point: level-0 coordinates
/// are large, their squares would lose the digits that matter.
void measure_ring(std::span<const float> ring, nuclei::NucleusList& list) {
  const double origin_x = ring[0];
  const double origin_y = ring[1];
  double twice_area = 0;
  double moment_x = 0;
  double moment_y = 0;
  float box[4] = {ring[0], ring[1], ring[0], ring[1]};
  const std::size_t count = ring.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t j = i + 1 == count ? 0 : i + 1;
    const double x0 = ring[2 * i] - origin_x, y0 = ring[2 * i + 1] - origin_y;
    const double x1 = ring[2 * j] - origin_x, y1 = ring[2 * j + 1] - origin_y;
    const double cross = x0 * y1 - x1 * y0;
    twice_area += cross;
    moment_x += (x0 + x1) * cross;
    moment_y += (y0 + y1) * cross;
    box[0] = std::min(box[0], ring[2 * i]);
    box[1] = std::min(box[1], ring[2 * i + 1]);
    box[2] = std::max(box[2], ring[2 * i]);
    box[3] = std::max(box[3], ring[2 * i + 1]);
  }
  if (twice_area != 0) {
    list.centroids.push_back(static_cast<float>(origin_x + moment_x / (3 * twice_area)));
    list.centroids.push_back(static_cast<float>(origin_y + moment_y / (3 * twice_area)));
  } else {  // a ring without an inside: the middle of its box
    list.centroids.push_back((box[0] + box[2]) / 2);
    list.centroids.push_back((box[1] + box[3]) / 2);
  }
  list.boxes.insert(list.boxes.end(), box, box + 4);
  list.areas.push_back(static_cast<float>(std::abs(twice_area) / 2));
}

}  // namespace

nuclei::NucleusList concat(std::span<const nuclei::NucleusList* const> lists) {
  nuclei::NucleusList joined;
  for (const nuclei::NucleusList* list : lists) {
    if (list->size() == 0) continue;
    if (joined.size() != 0 && joined.typed() != list->typed()) {
      throw Error(ErrorCode::kInvalidArgument, "lists with and without types cannot be joined");
    }
    for (std::size_t i = 0; i < list->size(); ++i) joined.append(*list, i);
  }
  return joined;
}

nuclei::NucleusList from_outlines(std::vector<float> points, std::vector<std::uint64_t> starts,
                                  std::vector<std::uint8_t> types) {
  if (starts.empty() || starts.front() != 0 || starts.back() != points.size() / 2 || points.size() % 2 != 0) {
    throw Error(ErrorCode::kInvalidArgument, "the starts of the rings do not fit their points");
  }
  if (!types.empty() && types.size() != starts.size() - 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "expected " + std::to_string(starts.size() - 1) + " types, got " + std::to_string(types.size()));
  }
  nuclei::NucleusList list;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    if (starts[i + 1] < starts[i] + 3) {
      throw Error(ErrorCode::kInvalidArgument, "ring " + std::to_string(i) + " has fewer than 3 points");
    }
    measure_ring(std::span<const float>(points).subspan(2 * starts[i], 2 * (starts[i + 1] - starts[i])), list);
  }
  list.types = std::move(types);
  list.contour_points = std::move(points);
  list.contour_starts = std::move(starts);
  return list;
}

}  // namespace histojet
