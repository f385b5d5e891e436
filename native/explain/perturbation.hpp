#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "explain/pixel_attribution.hpp"
#include "explain/target_output.hpp"

namespace histojet::explain {

enum class Perturbation {
  kDeletion,   ///< from the whole picture to none of it: a good map makes the score fall early
  kInsertion,  ///< from none of it to the whole picture: a good map makes the score rise early
};

struct PerturbationCurve {
  std::vector<double> share;  ///< of the squares taken, from 0 to 1
  std::vector<double> score;  ///< see target_score()
  double area = 0;            ///< mean of the score over the share (trapezium rule)
};

/// Squares of `cell_px` pixels by their relevance in a map, the most relevant first, as numbers in a grid row by row;
/// those where the network did not look are left out. Equal ones by number.
/// @throws Error kInvalidArgument unless `cell_px` is a multiple of the map's tokens.
std::vector<std::int64_t> ranked_cells(const RelevanceMap& map, std::int64_t cell_px);

/// The same numbers in an order that depends on `seed` and nothing else.
std::vector<std::int64_t> shuffled_cells(std::vector<std::int64_t> cells, std::uint64_t seed);

struct PerturbationOptions {
  std::int64_t output = kPredictedOutput;  ///< whose score is followed; the prediction is that of the whole picture
  std::int64_t cell_px = 0;        ///< side of the squares; 0: of the map's tokens, or a quarter of a region if larger
  std::int64_t steps = 16;         ///< the squares are taken in as many parts
  std::int64_t random_orders = 3;  ///< to compare with
  std::uint64_t seed = 1;          ///< of the first random order, the others have the numbers that follow
  /// Threads follow orders side by side; `store_bytes` are for all of them. Progress counts evaluations
  /// ("perturbation"). Listener and reuse are not used.
  models::PixelMambaRunOptions run = {};
};

/// Deletion and insertion in one order.
struct PerturbationPair {
  PerturbationCurve deletion;
  PerturbationCurve insertion;
};

struct MapTest {
  std::int64_t output = kNoOutput;
  std::int64_t cell_px = 0;
  std::int64_t squares = 0;  ///< that were painted over in all
  PerturbationPair map;
  std::vector<PerturbationPair> random;
};

/// The usual test of a map: squares of the picture are painted over with the pad colour in the order of their relevance
/// (deletion), or uncovered (insertion), and the score is followed, beside the same in random orders. Takes
/// 2 * steps evaluations per order, which repeat only what changed where that is little.
/// @throws Error kInvalidArgument (no such output, a cell_px that does not fit, steps below 1, a map without values or
/// of another picture's size), what PixelMamba::run throws; Cancelled.
MapTest test_map(const models::PixelMamba& model, const models::RegionSource& source, const RelevanceMap& map,
                 const PerturbationOptions& options = {}, const CancelToken& cancel = {});

/// Both curves of one order of squares, each number once. @throws as test_map().
PerturbationPair perturbation_curves(const models::PixelMamba& model, const models::RegionSource& source,
                                     const std::vector<std::int64_t>& order, std::int64_t cell_px,
                                     const PerturbationOptions& options = {}, const CancelToken& cancel = {});

}  // namespace histojet::explain
