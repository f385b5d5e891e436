#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "explain/block_rollout.hpp"

namespace histojet::explain {

/// One direction of a block's attention, swept tile by tile in bounded memory.
class BranchSweep {
 public:
  BranchSweep(BlockTerms& terms, Direction direction, const RolloutOptions& options);

  /// to[i] = sum over j and the mean over channels of alpha[i][j].
  void row_sums(float* to);

  struct Columns {
    const float* weight = nullptr;  ///< one per token
    float* to = nullptr;            ///< one per token
    std::int64_t segment = 0;       ///< nothing passes from one segment to the next; 0: one segment
  };
  /// to[j] = sum over i of weight[i] and the mean over channels of alpha[i][j], for up to two weights at once (`second`
  /// without weight: one).
  void column_sums(const Columns& first, const Columns& second);

 private:
  struct Tile {
    ScanTerms terms;
    std::int64_t first = 0;
    std::int64_t count = 0;
  };
  struct Adjoint {
    Columns columns;
    AlignedBuffer<float> state;
  };
  /// Calls `work(tile)` for all tiles, in the order of the scan or against it.
  template <class Work>
  void for_tiles(bool with_scan, const Work& work);
  /// Calls `work(begin, count, fresh)` for the runs of a tile between borders of segments; `fresh` where a segment is
  /// entered.
  template <class Work>
  static void for_runs(const Tile& tile, std::int64_t tokens, std::int64_t segment, bool upwards, const Work& work);
  AlignedBuffer<float> zero_state() const;
  void clear(float* state) const;
  void take_absolutes(Tile& tile);
  void scan_ones(const Tile& tile, std::int64_t begin, std::int64_t count, float* state);
  void mean_rows(const Tile& tile, float* to) const;
  void run_adjoint(const Tile& tile, Adjoint& adjoint);

  BlockTerms& source_;
  const Direction direction_;
  const RolloutOptions& options_;
  const ScanConstants constants_;
  const std::int64_t tokens_;
  const std::int64_t segment_;
  AlignedBuffer<float> ones_;
  AlignedBuffer<float> outputs_;  ///< [tile][channel_stride]
  AlignedBuffer<float> absolute_b_;
  AlignedBuffer<float> absolute_c_;
};

}  // namespace histojet::explain
