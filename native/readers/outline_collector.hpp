#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "nuclei/nucleus_list.hpp"

namespace histojet::readers {

/// Gathers the outlines of a file as a list with one type per nucleus. Centroids, boxes and areas are those of the
/// polygons, as NucleusList.fromContours of the TypeScript interface measures them.
class OutlineCollector {
 public:
  /// A value that a list can hold.
  static bool storable(double value) { return std::abs(value) <= std::numeric_limits<float>::max(); }

  /// Adds a point, both of whose values are storable(), to the unfinished ring.
  void add(double x, double y) {
    if (points_ == 0) {
      first_x_ = x;
      first_y_ = y;
    }
    last_x_ = x;
    last_y_ = y;
    ++points_;
    list_.contour_points.push_back(static_cast<float>(x));
    list_.contour_points.push_back(static_cast<float>(y));
  }
  /// Makes the ring a nucleus without a type yet. A last point that repeats the first goes; false and no nucleus when
  /// the ring had fewer than three points.
  bool finish_ring();
  /// The type of all nuclei that have none yet.
  void give_type(std::uint8_t type) { list_.types.resize(size(), type); }
  /// Forgets the nuclei that have no type yet, and an unfinished ring.
  void discard_untyped();

  std::size_t size() const { return list_.size(); }
  /// Points of all rings.
  std::size_t point_count() const { return list_.contour_points.size() / 2; }
  std::size_t typed_count() const { return list_.types.size(); }
  /// Points of the rings whose nuclei have types.
  std::size_t typed_point_count() const { return list_.contour_starts[typed_count()]; }
  /// Hands over what was gathered; all must have types.
  nuclei::NucleusList take();

 private:
  nuclei::NucleusList list_;
  std::size_t points_ = 0;
  double first_x_ = 0, first_y_ = 0;
  double last_x_ = 0, last_y_ = 0;
};

}  // namespace histojet::readers
