#pragma once

#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "tokens/mamba_mixer.hpp"

namespace histojet::tokens {

/// Where a mixer stands in a grid of tokens that it scans in two dimensions. Movable, not copyable.
struct Scan2dState {
  std::int64_t width = 0;   ///< cells of a row
  std::int64_t column = 0;  ///< of the next cell
  MambaState mixer;         ///< the convolution's tail, and what came along the row (`ssm`)
  /// [inner / 16, rounded up][width][d_state][16]: of each column the state of its lowest cell so far.
  AlignedBuffer<float> above;
};

/// The state before the first cell of a grid of `width` columns: zeros. Memory: 64 * d_state bytes per column and 16
/// inner channels. @throws Error kInvalidArgument for a width below 1 or one whose states take more than 1 GiB.
Scan2dState start_scan2d(const MambaMixer& mixer, std::int64_t width);

/// A mixer over cells of a grid as 2DMamba (Zhang et al., CVPR 2025) has it: as MambaMixer::accumulate, with the
/// convolution along the rows one behind the other, but the scan runs along the rows and down the columns
/// (scan::scan_2d). Weights are those of a MambaMixer.
///
/// `run` holds the next cells in raster order, any number of them. kForward goes from the first cell on, to the right
/// and down; kBackward, for mixers with a branch of its own (kV2), from the last cell, to the left and up, so that
/// successive runs go from the end of the grid to its start. A cell whose token is missing in `run.in` counts as zeros
/// for the convolution, and the scan takes its states over it as they are (a step of 0).
///
/// Any split of a grid into runs gives identical bits, and so does any number of threads. Memory beside the state is
/// that of any mixer. `out` may be `in` when only one direction is used.
/// @throws Error kInvalidArgument for a direction that the mixer does not have, for kV1 backward, and for a state of
/// another mixer; Cancelled.
void accumulate_scan2d(const MambaMixer& mixer, Direction direction, const MixerRun& run, Scan2dState& state,
                       MixerScratch& scratch, int threads, const CancelToken& cancel);

/// A whole grid of run.tokens = height * width cells from zero states through all directions of the mixer, one after
/// the other, added to `out`, which must not be `in` when there are two.
/// @throws as accumulate_scan2d(); Error kShapeMismatch for another number of cells.
void accumulate_scan2d_all(const MambaMixer& mixer, const MixerRun& run, std::int64_t height, std::int64_t width,
                           MixerScratch& scratch, int threads, const CancelToken& cancel);

}  // namespace histojet::tokens
