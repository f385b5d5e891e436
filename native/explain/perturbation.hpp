#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "explain/occlusion.hpp"
#include "explain/pixel_attribution.hpp"

namespace histojet::explain {

enum class Perturbation {
  kDeletion,   ///< from the whole picture to none of it: a good map makes the score fall early
  kInsertion,  ///< from none of it to the whole picture: a good map makes the score rise early
};

struct PerturbationOptions {
  Perturbation kind = Perturbation::kDeletion;
  std::int64_t steps = 16;  ///< cells are taken in as many parts; the network is evaluated once more
  ScoreOf score = logit_score(0);
  models::PixelMambaRunOptions run = {};
};

struct PerturbationCurve {
  std::vector<double> share;  ///< of the cells taken, from 0 to 1
  std::vector<double> score;
  double area = 0;  ///< mean of the score over the share (trapezium rule)
};

/// Squares of `cell_px` pixels by their relevance in a map, the most relevant first, as numbers in a grid row by row;
/// those where the network did not look are left out. Equal ones by number.
/// @throws Error kInvalidArgument unless `cell_px` is a multiple of the map's tokens.
std::vector<std::int64_t> ranked_cells(const RelevanceMap& map, std::int64_t cell_px);

/// How a score follows when squares of a picture are painted over with the pad colour, or uncovered, in an order: the
/// usual test of an attribution, against random orders.
/// @param order numbers of squares of `cell_px` pixels, row by row
/// @throws Error kInvalidArgument (steps below 1, no squares), what PixelMamba::run throws; Cancelled.
PerturbationCurve perturbation_curve(const models::PixelMamba& model, const models::RegionSource& source,
                                     const std::vector<std::int64_t>& order, std::int64_t cell_px,
                                     const PerturbationOptions& options = {}, const CancelToken& cancel = {});

}  // namespace histojet::explain
