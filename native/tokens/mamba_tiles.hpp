#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/selective_scan/selective_scan.hpp"
#include "tokens/linear.hpp"
#include "tokens/mamba_compiled.hpp"
#include "tokens/mamba_relay.hpp"
#include "tokens/mamba_scan_inputs.hpp"
#include "tokens/scan2d_mixer.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {

/// What one direction of one mixer works in, a tile of tokens at a time. Rows of `raw` (and of `input`) begin with as
/// many tokens before the tile as the convolution looks back.
struct MixerScratch::Buffers {
  RowBuffer wide;                                 ///< [before + tile][d], float32: tokens on their way to the norm
  RowBuffer input;                                ///< [before + tile][d], as the first product takes them
  RowBuffer raw;                                  ///< [before + tile][x | z]
  RowBuffer u;                                    ///< [tile][E]: after convolution and SiLU
  RowBuffer narrow;                               ///< [tile][E]: u, later y, rounded for the products on tiles
  RowBuffer x_dbl;                                ///< [tile][dt | B | C]
  RowBuffer narrow_dt;                            ///< [tile][R]
  RowBuffer delta;                                ///< [tile][E]
  RowBuffer y;                                    ///< [tile][E]
  RowBuffer out;                                  ///< [tile][d]
  std::vector<LinearScratch> linear;              ///< one per thread
  std::vector<float> waiting;                     ///< results of a whole sequence, of the direction that runs beside
  std::vector<float> residual;                    ///< of a whole sequence, for the blocks above
  std::unique_ptr<Buffers> second;                ///< of a direction that runs beside this one
  std::vector<std::unique_ptr<Buffers>> helpers;  ///< of threads that take tiles of the same run

  Buffers& beside();
  /// Makes sure that there are `count` helpers.
  void need_helpers(std::size_t count);
  std::int64_t byte_size() const;
};

/// One run of tokens through one direction, in `threads` threads that share the work on it. With `grid` the tokens are
/// cells of one, whose state holds `state`; its column is left to the caller.
void run_mixer(const MambaMixer::Compiled& mixer, Direction direction, const MixerRun& run, MambaState& state,
               MixerScratch::Buffers& buffers, int threads, const CancelToken& cancel, Scan2dState* grid = nullptr);

/// A whole short sequence through both directions, added to the caller's tokens: one tile, whose first and last
/// products serve both. @returns false, with nothing done, for a sequence that is too long for that.
bool run_both_directions(const MambaMixer::Compiled& mixer, const MixerRun& run, MixerScratch::Buffers& buffers,
                         int threads, const CancelToken& cancel);

/// One run of tokens through one direction, tile after tile.
class MambaTiles {
 public:
  MambaTiles(const MambaMixer::Compiled& mixer, Direction direction, const MixerRun& run, MambaState& state,
             MixerScratch::Buffers& buffers, int threads, Scan2dState* grid = nullptr);

  void run(const CancelToken& cancel);
  /// Takes tiles in turns with others that were made for the same run and state, in buffers of their own.
  void run_in_relay(MambaRelay& relay, const CancelToken& cancel);
  /// Is there more than one tile?
  bool is_long() const;
  /// The whole sequence as one tile, from the first product to the scan, and its last product.
  void scan_whole();
  void finish_tile();
  /// The scan of the other direction over the tile that `scan_whole` of the forward one left in the buffers, added to
  /// its results; then the gate.
  void scan_whole_back();
  /// As run(), but hands each tile's inputs of the scan to `take` instead of scanning.
  void run_inputs(const CancelToken& cancel, const std::function<void(const ScanInputs&)>& take);

 private:
  ScanInputs inputs() const;
  void reshape();
  void reshape_tile();
  /// The token of the run that is row `i` of the tile at `start_`, both counted in the order of computing.
  std::int64_t token_of(std::int64_t i) const;
  void begin_tile(std::int64_t start);
  void end_tile();
  void load_tile();
  void project_tile();
  void scan_tile();
  void take_tail();
  void leave_tail();
  bool repeats(std::int64_t i) const;
  void load(Range rows, int thread);
  void multiply_in(std::int64_t first, std::int64_t count, int thread);
  void project(Range rows, int thread);
  void pass_over_missing(Range rows);
  void convolve(Range rows);
  void normalize_projections(Range rows);
  void scan(Range channels);
  kernels::SelectiveScanArgs scan_args(Range channels);
  void finish(Range rows, int thread);

  const MambaMixer::Compiled& mixer_;
  const MambaBranch& branch_;
  const MambaProjections& projections_;
  const MixerRun& run_;
  MambaState& state_;
  MixerScratch::Buffers& buffers_;
  int threads_;
  Scan2dState* grid_;  ///< null: tokens are a sequence
  bool reversed_;      ///< tokens are taken from the last to the first
  bool scan_back_;     ///< tiles lie from the end to the start, tokens inside them forward, and only the scan goes back
  bool mirrored_ = false;  ///< tokens lie forward, and convolution and scan go back (the tile of `scan_whole_back`)
  bool gates_;             ///< not when another scan's results are still to come
  bool adds_bias_;
  std::int64_t before_;            ///< rows in front of a tile
  std::int64_t tile_ = 0;          ///< most tokens of a tile
  std::int64_t start_ = 0;         ///< tokens of the run that earlier tiles took
  std::int64_t count_ = 0;         ///< tokens of this tile
  std::int64_t known_before_ = 0;  ///< rows in front of the tile that hold tokens
};

}  // namespace histojet::tokens
