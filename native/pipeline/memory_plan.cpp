#include "pipeline/memory_plan.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "pipeline/slide_windows.hpp"
#include "pipeline/tiled_prediction.hpp"

namespace histojet::pipeline {
namespace {

/// Probability, two gradients, a class.
constexpr std::int64_t kMapBytesPerPx = 3 * sizeof(float) + 1;
/// Post-processing's own planes (labels, edge strength, marker masks, queue of the flood): assumed, on the safe side.
constexpr std::int64_t kPostprocessBytesPerPx = 40;
/// Nuclei of one densely filled window: 6 000 with 20 points.
constexpr std::int64_t kNucleiBytes = 6000 * 220;
/// Ten measurements of each of them.
constexpr std::int64_t kMeasurementBytes = 6000 * 40;
/// What allocators and the interpreter keep beyond what is asked of them.
constexpr double kSlack = 1.08;
constexpr std::int64_t kMostSplits = 4;

bool tiles_matter(const MemoryDemand& demand) {
  return !demand.network->info().pads() && demand.margin == TileMargin::kReference;
}

TilePlan tiles_of(const MemoryDemand& demand, const WorkShape& shape, const Strip& strip) {
  return plan_tiles(demand.network->info(), kWindow_px, strip.width_px(), shape.tile_size, demand.margin);
}

std::int64_t worker_bytes(const MemoryDemand& demand, const WorkShape& shape) {
  const Strip strip{.first = 0, .count = shape.strip_windows};
  const TilePlan tiles = tiles_of(demand, shape, strip);
  const std::int64_t input_px = tiles.input_height() * tiles.input_width();
  const bool resampled = demand.source_px_per_px != 1;
  const auto source_px = resampled ? static_cast<std::int64_t>(demand.source_px_per_px * double(input_px)) : 0;
  const std::int64_t tile_px = tiles.tile_height() * tiles.tile_width();
  const std::int64_t window_px = kWindow_px * kWindow_px;
  const std::int64_t network = demand.network->session_bytes(tiles.tile_height(), tiles.tile_width());
  const std::int64_t maps = kMapBytesPerPx * (tile_px + kWindow_px * strip.width_px() + window_px);
  const std::int64_t nuclei = kNucleiBytes + (demand.measure ? kMeasurementBytes : 0);
  const std::int64_t waiting = 2 * kLargestStrip * nuclei;
  const std::int64_t pictures = demand.measure ? 2 : 1;
  // The tile's maps and the session stay while post-processing runs: the pool keeps them.
  return network + 3 * (pictures * input_px + source_px) + maps + kPostprocessBytesPerPx * window_px + waiting;
}

/// Pixels of slide that a shape finishes while one thread computes a pixel.
double throughput(const MemoryDemand& demand, const WorkShape& shape) {
  const Strip strip{.first = 0, .count = shape.strip_windows};
  const TilePlan tiles = tiles_of(demand, shape, strip);
  const auto computed = static_cast<double>(tiles.rows * tiles.columns * tiles.tile_height() * tiles.tile_width());
  return shape.threads * static_cast<double>(strip.count * kCore_px * kCore_px) / computed;
}

/// Tile sizes that cut a window into one to four rows, none above the wanted one.
std::vector<std::int64_t> tile_sizes(const MemoryDemand& demand, std::int64_t wanted) {
  std::vector<std::int64_t> sizes{wanted};
  if (tiles_matter(demand)) return sizes;
  const models::NetworkInfo& network = demand.network->info();
  for (std::int64_t splits = 2; splits <= kMostSplits; ++splits) {
    const TilePlan tiles = plan_tiles(network, ceil_div(kWindow_px, splits), kWindow_px, wanted);
    if (tiles.rows == 1 && tiles.tile_height() < wanted) sizes.push_back(tiles.tile_height());
  }
  return sizes;
}

std::string megabytes(std::int64_t bytes) {
  return std::to_string(ceil_div(bytes, std::int64_t{1'000'000})) + " MB";
}

}  // namespace

std::int64_t peak_bytes(const MemoryDemand& demand, const WorkShape& shape) {
  const std::int64_t work = shape.threads * worker_bytes(demand, shape) + demand.cache_bytes;
  return demand.resident_bytes + static_cast<std::int64_t>(kSlack * static_cast<double>(work));
}

WorkShape fit_memory(const MemoryDemand& demand, const WorkShape& wanted, std::int64_t ceiling) {
  WorkShape best;
  double best_throughput = 0;
  std::int64_t least = peak_bytes(demand, wanted);
  const std::int64_t fewest_windows = tiles_matter(demand) ? wanted.strip_windows : 1;
  for (const std::int64_t tile_size : tile_sizes(demand, wanted.tile_size)) {
    for (std::int64_t windows = wanted.strip_windows; windows >= fewest_windows; --windows) {
      for (int threads = wanted.threads; threads >= 1; --threads) {
        const WorkShape shape{.threads = threads, .strip_windows = windows, .tile_size = tile_size};
        const std::int64_t bytes = peak_bytes(demand, shape);
        least = std::min(least, bytes);
        if (bytes > ceiling || throughput(demand, shape) <= best_throughput) continue;
        best = shape;
        best_throughput = throughput(demand, shape);
      }
    }
  }
  if (best_throughput > 0) return best;
  throw Error(ErrorCode::kOutOfMemory, "maxMemoryBytes: this run needs at least " + megabytes(least) + " (" +
                                           megabytes(demand.resident_bytes) + " of them are in use already), got " +
                                           megabytes(ceiling));
}

}  // namespace histojet::pipeline
