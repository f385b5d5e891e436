#include "nuclei/segmentation.hpp"

#include <algorithm>

namespace histojet::nuclei {

std::vector<Piece> pieces_inside(const Components& inner, const Components& outer) {
  std::vector<Piece> found;
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

BitMask weak_edges(const Components& components, const std::vector<float>& strength) {
  BitMask weak(components.height, components.width);
  for (const Run& run : components.runs) {
    if (run.label == 0) continue;
    const float* row = strength.data() + run.row * components.width;
    std::uint64_t* words = weak.row(run.row);
    for (std::int32_t x = run.start; x < run.end; ++x) {
      words[x / 64] |= static_cast<std::uint64_t>(row[x] < 0.4) << (x % 64);
    }
  }
  return weak;
}

std::vector<Run> labelled_runs(const std::vector<std::int32_t>& labels, std::int64_t width, const Components& mask) {
  std::vector<Run> runs;
  for (const Run& run : mask.runs) {
    if (run.label == 0) continue;
    const std::int32_t* row = labels.data() + run.row * width;
    for (std::int32_t start = run.start; start < run.end;) {
      std::int32_t end = start + 1;
      while (end < run.end && row[end] == row[start]) ++end;
      if (row[start] != 0) runs.push_back({run.row, start, end, row[start]});
      start = end;
    }
  }
  return runs;
}

}  // namespace histojet::nuclei
