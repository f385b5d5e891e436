#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/chain.hpp"

namespace histojet::engine {

/// Where one result lives. Rows are channels-last with zero pixels on both sides; the two planes of a split row lie one
/// behind the other.
struct Placement {
  enum class Kind {
    kNone,    ///< nothing of its own: an output, written straight to the caller's memory, or a view
    kRing,    ///< the last `rows` rows, in the scratch memory of the thread that computes the band
    kBuffer,  ///< all rows, in the session's arena
  };
  Kind kind = Kind::kNone;
  std::int64_t rows = 0;
  std::int64_t row_bytes = 0;    ///< pitch: a multiple of 64, not of 2 KiB (rows would share cache sets)
  std::int64_t plane_bytes = 0;  ///< from a row to its low plane
  std::int64_t lead_bytes = 0;   ///< zeros before pixel 0
  std::int64_t right_px = 0;     ///< zero pixels after the last one
  std::int64_t offset = 0;       ///< bytes from the start of the scratch or arena
  bool stream = false;           ///< too large for the cache and not read in its own chain
};

struct PlanOptions {
  /// Cache that a chain's rings, rows and weights may fill; 0: the second-level cache of this CPU. Changes speed and
  /// memory, never results.
  std::int64_t cache_bytes = 0;
};

/// A program laid out for one input size: which operations run together row by row, where every result lives and how
/// much memory that takes. Immutable; sessions share it.
class Plan {
 public:
  /// @throws Error kInvalidArgument for sizes that the network cannot take.
  Plan(std::shared_ptr<const Program> program, Extent image, const PlanOptions& options = {});

  const Program& program() const { return *program_; }
  const Topology& topology() const { return topology_; }
  const std::vector<Chain>& chains() const { return chains_; }
  const Placement& placement(int id) const { return placements_[static_cast<std::size_t>(id)]; }
  Extent extent(int id) const { return topology_.extents[static_cast<std::size_t>(id)]; }
  Extent image() const { return image_; }

  std::int64_t arena_bytes() const { return arena_bytes_; }
  /// Rings of the chain that needs most: scratch of one thread.
  std::int64_t scratch_bytes() const { return scratch_bytes_; }
  /// A row of zeros that stands for rows outside of any picture, halos included.
  std::int64_t zero_row_bytes() const { return zero_row_bytes_; }
  /// Kernels on tiles read up to so much beyond a row, without using it.
  std::int64_t slack_bytes() const { return slack_bytes_; }
  /// What a session needs for one thread: arena, scratch memory and zeros.
  std::int64_t session_bytes() const { return arena_bytes_ + scratch_bytes_ + zero_row_bytes_ + slack_bytes_; }
  /// Useful multiply-adds times two for one picture.
  std::int64_t flops() const;

  /// Chains and steps with sizes, fusions, places, bytes and FLOPs.
  std::string describe() const;

 private:
  void place_borders();
  void place_rows();
  void place_rings();
  void place_buffers(std::int64_t cache_bytes);

  std::shared_ptr<const Program> program_;
  Extent image_;
  Topology topology_;
  std::vector<Chain> chains_;
  std::vector<Placement> placements_;
  std::int64_t arena_bytes_ = 0;
  std::int64_t scratch_bytes_ = 0;
  std::int64_t zero_row_bytes_ = 0;
  std::int64_t slack_bytes_ = 0;
};

/// Output positions per row of a convolution on tiles.
std::int64_t tile_positions(const Topology& topology, int id);

/// Cuts the program into chains so that as few bytes as possible pass through main memory while each chain's working
/// set fits into `cache_bytes` (single operations always may run). `row_bytes`: by id.
std::vector<Chain> choose_chains(const Topology& topology, const std::vector<std::int64_t>& row_bytes,
                                 std::int64_t cache_bytes);

}  // namespace histojet::engine
