#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "explain/target_output.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"

namespace histojet::explain {

struct OcclusionOptions {
  /// Which output's score is followed, see target_score().
  std::int64_t output = kPredictedOutput;
  /// Side of the first squares in pixels of the network's resolution; 0: the smallest power of two times a region that
  /// needs at most 64 of them. A region's side times or divided by a power of two.
  std::int64_t coarsest_px = 0;
  std::int64_t finest_px = 0;           ///< of the last ones; 0: a quarter of a region
  std::int64_t most_evaluations = 200;  ///< at least what the first squares need
  /// Threads look at squares side by side; `store_bytes` are for all of them and for what is kept of the whole picture.
  /// Progress: that of the first evaluation, then squares ("occlusion"). Listener and reuse are not used.
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
  models::PixelMambaResult result;      ///< of the whole picture
  std::int64_t output = kNoOutput;      ///< the one that was followed
  double score = 0;                     ///< of the whole picture
  std::vector<OccludedSquare> squares;  ///< as they were looked at, the coarse ones first
  std::int64_t evaluations = 0;         ///< one more than squares
  std::int64_t finest_px = 0;           ///< side of the smallest squares that could be looked at
  /// Regions that were computed, the whole picture's included; evaluations times regions is what it would have taken
  /// without keeping anything.
  std::int64_t regions_computed = 0;

  /// The changes at the network's resolution divided by `cell_px`: of each place the smallest square that holds it, by
  /// its share of that square's change; NaN where nothing was looked at.
  std::vector<float> grid(std::int64_t width_px, std::int64_t height_px, std::int64_t cell_px) const;
};

/// How a score changes when parts of the picture are painted over with the pad colour, from coarse to fine: of the
/// squares that change most, up or down, the quarters are looked at next, up to four squares' at a time. Squares
/// without a region that the network looks at are left out.
///
/// Each square's score is, bit for bit, that of an evaluation of everything, but only what it changes is computed: its
/// regions, those behind them as long as carried states differ, and the stages that look at the whole picture. Results
/// depend neither on threads nor on memory.
/// @throws Error kInvalidArgument (no such output, sides that do not fit, too few evaluations), what PixelMamba::run
/// throws; Cancelled.
Occlusion occlude(const models::PixelMamba& model, const models::RegionSource& source,
                  const OcclusionOptions& options = {}, const CancelToken& cancel = {});

}  // namespace histojet::explain
