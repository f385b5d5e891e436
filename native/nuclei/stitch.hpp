#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// A post-processing window's share of the slide, in level-0 pixels (real numbers).
struct Core {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

/// Joins the windows of a slide: a nucleus belongs to the window whose half-open core holds its centroid (unrounded);
/// one that two windows see differently, so that both or neither own it, is settled in a band around the core's
/// border: a nucleus whose contour overlaps one already taken (IoU of the outlines > 0.3, or more than half of the
/// smaller one covered) is dropped. Windows must come in raster order; the result depends on nothing else. Memory is
/// bounded by the nuclei near the seams of two rows of windows.
class Stitcher {
 public:
  /// `band`: distance from the core's border, level-0 pixels, within which nuclei are compared; at most what a window
  /// sees beyond its core. Two views of a nucleus are taken to disagree by less than half of it.
  explicit Stitcher(double band) : band_(band) {}
  /// `candidates`: all nuclei of the window, level-0 coordinates. Returns those that the slide takes.
  NucleusList accept(const Core& core, const NucleusList& candidates);

 private:
  struct Taken {
    float x0, y0, x1, y1;
    std::vector<float> ring;
  };
  /// The core of an earlier window holds the place.
  bool owned_before(double x, double y) const;
  void forget_above(const Core& core);

  double band_;
  std::deque<Taken> taken_;  ///< accepted nuclei near the borders of their windows
  std::deque<Core> cores_;   ///< windows that came before, as far as later ones can reach them
};

}  // namespace histojet::nuclei
