#pragma once

#include <span>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// How long a step of 1 in the coordinates is, across and down. Pixels of a slide need not be square.
struct LengthUnit {
  double x = 1;
  double y = 1;
  bool metric = false;  ///< x and y are micrometres; otherwise pixels
};

/// Shape of one polygon, lengths in the unit that it was asked for. A polygon without an inside has an area and a
/// circularity of 0 and NaN for everything that is relative to the area.
struct OutlineShape {
  double area = 0;
  double perimeter = 0;
  /// 4 pi area / perimeter^2: 1 for a circle, never more.
  double circularity = 0;
  /// Axes of the ellipse with the polygon's second central moments: 4 sqrt of the larger and the smaller eigenvalue of
  /// the covariance of its points, as scikit-image's regionprops has them for pixels (whose squares count as points
  /// there: its eigenvalues are smaller by 1/12 of a pixel squared).
  double major_axis = 0;
  double minor_axis = 0;
  double eccentricity = 0;  ///< of that ellipse: 0 for a circle
  double solidity = 0;      ///< area / area of the convex hull
};

/// `ring`: open, x0, y0, x1, y1, …; coordinates are multiplied by `unit`. Moments are exact (Green's theorem), the hull
/// is Andrew's monotone chain (1979). A ring that crosses itself counts what it goes around twice twice, as the
/// shoelace formula does.
OutlineShape outline_shape(std::span<const float> ring, const LengthUnit& unit);

/// perimeter_um, circularity, major_axis_um, minor_axis_um, eccentricity and solidity of every nucleus; `_px` instead
/// of `_um` where the unit is not metric.
std::vector<MeasurementColumn> shape_columns(const NucleusList& list, const LengthUnit& unit);

}  // namespace histojet::nuclei
