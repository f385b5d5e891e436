#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace histojet::nuclei {

/// One measurement of every nucleus of a list.
struct MeasurementColumn {
  std::string name;           ///< with its unit: "perimeter_um"
  std::vector<float> values;  ///< [n]; NaN where the nucleus has no such value
};

/// Nuclei as a structure of arrays. Coordinates are (x, y) in level-0 pixels, pixel-edge convention: the centre of the
/// first pixel is (0.5, 0.5). Results in `compat` mode hold the references' pixel-centre integers instead.
struct NucleusList {
  std::vector<float> centroids;                 ///< [n, 2]
  std::vector<float> boxes;                     ///< [n, 4] x0, y0, x1, y1
  std::vector<float> areas;                     ///< [n] square micrometres, or square pixels without mpp
  std::vector<std::uint8_t> types;              ///< [n], or empty for networks without types
  std::vector<float> type_probabilities;        ///< [n] or empty
  std::vector<std::uint64_t> contour_starts;    ///< [n + 1] first point of each contour in `contour_points`
  std::vector<float> contour_points;            ///< [k, 2] open rings, one after the other
  std::vector<MeasurementColumn> measurements;  ///< empty unless the nuclei were measured

  NucleusList() : contour_starts{0} {}
  std::size_t size() const { return areas.size(); }
  bool typed() const { return !types.empty(); }
  /// Points of one open ring: x0, y0, x1, y1, …
  std::span<const float> contour(std::size_t i) const {
    return std::span(contour_points).subspan(2 * contour_starts[i], 2 * (contour_starts[i + 1] - contour_starts[i]));
  }

  /// Same names in the same order.
  bool same_measurements(const NucleusList& other) const;

  /// Adds nucleus `i` of `other`; both must be typed or both untyped and have the same measurements (an empty list
  /// takes the other's kind). Where one of them has no probabilities of types, the result has none.
  /// @throws Error kInvalidArgument otherwise.
  void append(const NucleusList& other, std::size_t i);
  /// Coordinates become (x * scale_x + dx, y * scale_y + dy); areas become area * area_scale. Measurements,
  /// which have units of their own, stay.
  void transform(double scale_x, double scale_y, double dx, double dy, double area_scale);
};

}  // namespace histojet::nuclei
