#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/cancel.hpp"
#include "models/pixel_mamba.hpp"

namespace histojet::explain {

/// The number that a result is judged by.
using ScoreOf = std::function<double(const models::PixelMambaResult&)>;

/// The logit of an output.
ScoreOf logit_score(std::int64_t output);

struct OcclusionOptions {
  ScoreOf score = logit_score(0);
  /// Side of the first squares in pixels of the network's resolution; 0: the smallest power of two times a region that
  /// needs at most 64 of them. A region's side times or divided by a power of two.
  std::int64_t coarsest_px = 0;
  std::int64_t finest_px = 0;           ///< of the last ones; 0: a quarter of a region
  std::int64_t most_evaluations = 200;  ///< of the network; at least what the first squares need
  models::PixelMambaRunOptions run = {};
};

struct OccludedSquare {
  std::int64_t x_px = 0;
  std::int64_t y_px = 0;
  std::int64_t side_px = 0;
  double change = 0;   ///< score with the square covered less the score of the picture
  bool split = false;  ///< whether its quarters were looked at, too
};

struct Occlusion {
  double score = 0;                     ///< of the whole picture
  std::vector<OccludedSquare> squares;  ///< as they were looked at, the coarse ones first
  std::int64_t evaluations = 0;

  /// The changes at the network's resolution divided by `cell_px`: of each place the smallest square that holds it, by
  /// its share of that square's change; NaN where nothing was looked at.
  std::vector<float> grid(std::int64_t width_px, std::int64_t height_px, std::int64_t cell_px) const;
};

/// How a score changes when parts of the picture are painted over with the pad colour, from coarse to fine: the square
/// that changes most, up or down, is the next one that is looked at in quarters. Each square is one evaluation of the
/// whole picture. Squares without a region that the network looks at are left out.
/// @throws Error kInvalidArgument (sides that do not fit, too few evaluations), what PixelMamba::run throws; Cancelled.
Occlusion occlude(const models::PixelMamba& model, const models::RegionSource& source,
                  const OcclusionOptions& options = {}, const CancelToken& cancel = {});

}  // namespace histojet::explain
