#pragma once

#include <cstdint>

#include "models/nuclei_network.hpp"
#include "pipeline/tiled_prediction.hpp"

namespace histojet::pipeline {

/// How much of a slide is in the works at a time.
struct WorkShape {
  int threads = 1;                 ///< strips at once
  std::int64_t strip_windows = 4;  ///< neighbouring windows that go through the network together
  std::int64_t tile_size = 0;      ///< largest side of the network's tiles, px
  bool operator==(const WorkShape&) const = default;
};

/// What the memory of a run follows from besides its shape.
struct MemoryDemand {
  const models::NucleiNetwork* network = nullptr;
  double source_px_per_px = 1;      ///< slide pixels that are read for one pixel of the network's input
  std::int64_t cache_bytes = 0;     ///< decoded tiles that the slide may keep
  std::int64_t resident_bytes = 0;  ///< what the process holds before the run
  bool measure = false;             ///< nuclei are measured: the slide's own pixels stay beside the network's
  TileMargin margin = TileMargin::kField;
};

/// Resident memory of the process at most while a run of this shape goes on, in bytes. An estimate from above: sums
/// what each stage holds at its worst moment.
std::int64_t peak_bytes(const MemoryDemand& demand, const WorkShape& shape);

/// The shape with the most throughput whose run stays below `ceiling` bytes. Where results do not depend on
/// strips and tiles, both may shrink; with the reference's margin and a network that does not pad only the threads may.
/// @throws Error kOutOfMemory when even the smallest does not fit, saying what that needs.
WorkShape fit_memory(const MemoryDemand& demand, const WorkShape& wanted, std::int64_t ceiling);

}  // namespace histojet::pipeline
