#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// The part of a slide that a DensityGrid covers and the size of its cells. Lengths are level-0 pixels.
struct DensityArea {
  double x = 0;  ///< left edge
  double y = 0;  ///< upper edge
  double width = 0;
  double height = 0;
  double cell_x = 0;  ///< width of a cell; the last column is narrower when it does not divide `width`
  double cell_y = 0;  ///< height of a cell
  double mpp_x = 0;   ///< micrometres per level-0 pixel
  double mpp_y = 0;
};

/// Counts nuclei per cell of a grid, in all and per type. Counts add up to the same whatever the order of the lists.
/// Not safe from several threads at once.
class DensityGrid {
 public:
  /// Cells of all planes together (the total and one per type).
  static constexpr std::int64_t kMaxCells = std::int64_t{64} << 20;
  /// For `type`: nuclei of all types.
  static constexpr int kAllTypes = -1;
  /// Largest sigma of values(), in cells.
  static constexpr double kMaxSigma = 1000;

  /// `types`: how many types have a plane of their own, 0 to 256. Planes take memory (4 bytes a cell) once a nucleus
  /// of their type occurs.
  /// @throws Error kInvalidArgument for lengths that are not positive and finite, and for more than kMaxCells (the
  /// message names a cell that is coarse enough).
  DensityGrid(const DensityArea& area, int types);

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  /// Counts the nuclei whose centroid lies in the area: [x, x + width) and [y, y + height). A nucleus of a type without
  /// a plane counts in the total only.
  void add(const NucleusList& nuclei);
  /// How many nuclei of a type (or kAllTypes) were counted. @throws Error kInvalidArgument for an unknown type.
  std::uint64_t count(int type) const;

  /// [height, width] nuclei per square millimetre: what a cell counted by its own area (cells at the right and lower
  /// border may be smaller). With a sigma, counts and areas are smoothed alike by a Gaussian (cut at 4 sigma) that is
  /// mirrored at the borders, so that a constant density stays constant and nothing is lost to the outside.
  /// `sigma_x`, `sigma_y`: in cells, 0 to kMaxSigma; 0: not smoothed.
  /// @throws Error kInvalidArgument for an unknown type or a sigma out of range; Cancelled.
  std::vector<float> values(int type, double sigma_x, double sigma_y, const CancelToken& cancel = {}) const;

 private:
  const std::vector<std::uint32_t>& plane(int type) const;
  std::vector<std::uint32_t>& plane_for_counting(int type);

  DensityArea area_;
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  std::vector<std::vector<std::uint32_t>> planes_;  ///< total, then types; empty until a nucleus counts there
  std::vector<std::uint64_t> counts_;               ///< of each plane
};

}  // namespace histojet::nuclei
