#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"

namespace histojet::nuclei {

/// A sampled Gaussian, cut at 4 sigma and normalised to 1, that works on data mirrored at both borders with the edge
/// repeated (c b a | a b c | c b a): a constant stays constant and the sum stays the same. Sums run in a fixed order.
class Gaussian {
 public:
  /// `sigma` in samples, from 0 on; 0 changes nothing.
  explicit Gaussian(double sigma);

  /// Smooths one line in place.
  void smooth(std::span<double> line) const;
  /// Smooths the rows of a [height, width] plane in place. @throws Cancelled.
  void smooth_rows(std::span<float> plane, std::int64_t width, const CancelToken& cancel) const;
  /// Smooths the columns of a [height, width] plane in place. @throws Cancelled.
  void smooth_columns(std::span<float> plane, std::int64_t width, const CancelToken& cancel) const;

 private:
  std::vector<double> half_;  ///< weights of the distances 0, 1, 2, …
};

}  // namespace histojet::nuclei
