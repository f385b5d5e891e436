#include "nuclei/segmentation.hpp"

#include <algorithm>

#include "kernels/nuclei_maps/at_least.hpp"

namespace histojet::nuclei {

void paint(std::span<const Run> runs, std::int32_t label, std::int64_t width, std::vector<std::int32_t>& labels) {
  for (const Run& run : runs) std::fill_n(labels.begin() + run.row * width + run.start, run.end - run.start, label);
}

std::vector<Piece> pieces_inside(const Components& inner, const Components& outer) {
  std::vector<Piece> found;
  found.reserve(inner.runs.size());
  std::size_t next = 0;
  for (const Run& piece : inner.runs) {
    if (piece.label == 0) continue;
    // Runs are in raster order: those that end before this one begins are behind every later one, too.
    const auto behind = [&](const Run& run) {
      return run.row != piece.row ? run.row < piece.row : run.end <= piece.start;
    };
    while (next < outer.runs.size() && behind(outer.runs[next])) ++next;
    for (std::size_t i = next; i < outer.runs.size(); ++i) {
      const Run& run = outer.runs[i];
      if (run.row != piece.row || run.start >= piece.end) break;
      if (run.label == 0) continue;
      found.push_back(
          {{run.row, std::max(run.start, piece.start), std::min(run.end, piece.end), piece.label}, run.label});
    }
  }
  return found;
}

bool one_marker(std::span<const Piece> seeds) {
  return std::all_of(seeds.begin(), seeds.end(),
                     [&](const Piece& seed) { return seed.run.label == seeds.front().run.label; });
}

BitMask pixels_at_least(const std::vector<float>& plane, std::int64_t height, std::int64_t width, float threshold) {
  BitMask mask(height, width);
  const auto at_least = kernels::kAtLeast.pick(active_isa());
  for (std::int64_t y = 0; y < height; ++y) at_least({plane.data() + y * width, width, threshold, mask.row(y)});
  return mask;
}

void append_labelled(const Run& run, const std::int32_t* row, std::vector<Run>& runs) {
  for (std::int32_t start = run.start; start < run.end;) {
    const std::int32_t label = row[start];
    std::int32_t end = start + 1;
    while (end < run.end && row[end] == label) ++end;
    if (label > 0) runs.push_back({run.row, start, end, label});
    start = end;
  }
}

}  // namespace histojet::nuclei
