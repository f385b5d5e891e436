#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"

namespace histojet::nuclei {

/// A true and a predicted nucleus that are taken for the same; indices from 0.
struct CentroidPair {
  std::int32_t truth;
  std::int32_t predicted;
};

/// One-to-one pairs of two sets of points.
struct CentroidPairing {
  std::vector<CentroidPair> pairs;   ///< by rising index of the truth
  std::int64_t greedily_paired = 0;  ///< how many of the pairs come from clusters too large for the best assignment
};

/// Pairs centroids as HoVer-Net does (hover_net metrics/stats_utils.py, pair_coordinates): the assignment of least
/// total Euclidean distance, of which pairs farther apart than `radius` are dropped (equal is kept).
///
/// The reference solves one assignment over all points, whose matrix grows with the square of their number. Here points
/// are first joined into clusters by the neighbours within the radius, and each cluster is solved alone: the assignment
/// of least total distance of its points, all distances counted. The result is that of the reference on every set whose
/// clusters do not trade surplus points with one another; where they would, the reference may drop a near pair because
/// of points far away, and this one does not.
///
/// Limits that keep two million points in any position feasible: of each point the 16 nearest neighbours within the
/// radius are looked at, and clusters of more than 512 points are paired greedily by rising distance of those
/// neighbours. Neither happens with nuclei and a radius below their diameter.
///
/// truth, predicted: [n, 2] x, y; points that are not finite have no pair. radius: in the same units, above 0.
/// @throws Error kInvalidArgument for another radius; Cancelled.
CentroidPairing pair_centroids(std::span<const float> truth, std::span<const float> predicted, double radius,
                               const CancelToken& cancel = {});

}  // namespace histojet::nuclei
