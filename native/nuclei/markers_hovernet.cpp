#include <algorithm>

#include "nuclei/edge_strength.hpp"
#include "nuclei/gaussian3.hpp"
#include "nuclei/morphology.hpp"
#include "nuclei/segmentation.hpp"
#include "nuclei/watershed.hpp"

namespace histojet::nuclei {
namespace {

/// Blobs and markers below this size are noise to the reference.
constexpr std::int64_t kSmallest = 10;

/// The reference floods the whole tile at once; only then do equal values come in its order.
void flood_tile(const std::vector<float>& strength, const Components& blobs, const std::vector<Piece>& markers,
                bool monotone, std::vector<std::int32_t>& labels, const CancelToken& cancel) {
  const std::int64_t height = blobs.height, width = blobs.width;
  std::vector<double> values(labels.size());
  const Box tile{0, 0, static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
  relief<double>(strength, height, width, tile, values.data(), width);
  const auto paint = [&](const Run& run, std::int32_t label) {
    std::fill_n(labels.begin() + run.row * width + run.start, run.end - run.start, label);
  };
  std::fill(labels.begin(), labels.end(), -1);
  for (const Run& run : blobs.runs) {
    if (run.label != 0) paint(run, 0);
  }
  for (const Piece& marker : markers) paint(marker.run, marker.run.label);
  watershed(values.data(), labels.data(), height, width, monotone, cancel);
  std::replace(labels.begin(), labels.end(), -1, 0);
}

/// Floods blob by blob, which gives the same labels as the whole tile, unless two markers tie (then false).
bool flood_blobs(const std::vector<float>& strength, const Components& blobs, const std::vector<Piece>& markers,
                 bool monotone, std::vector<std::int32_t>& labels, const CancelToken& cancel) {
  const auto runs = runs_by_label(blobs.runs, blobs.count);
  const auto seeds = pieces_by_component(markers, blobs.count);
  Basin basin;
  for (std::int32_t blob = 1; blob <= blobs.count; ++blob) {
    if (runs[blob].empty() || seeds[blob].empty()) continue;
    const std::int32_t first = seeds[blob].front().run.label;
    if (std::all_of(seeds[blob].begin(), seeds[blob].end(),
                    [&](const Piece& seed) { return seed.run.label == first; })) {
      for (const Run& run : runs[blob]) {
        std::fill_n(labels.begin() + run.row * blobs.width + run.start, run.end - run.start, first);
      }
      continue;
    }
    cancel.throw_if_cancelled();
    basin.reset(bounding_box(runs[blob]));
    for (const Run& run : runs[blob]) basin.paint(run, 0);
    for (const Piece& seed : seeds[blob]) basin.paint(seed.run, seed.run.label);
    relief<double>(strength, blobs.height, blobs.width, basin.box, basin.value_row(basin.box.y0), basin.stride);
    if (!flood(basin, monotone)) return false;
    for (const Run& run : runs[blob]) {
      std::copy_n(basin.label_row(run.row) + run.start, run.end - run.start,
                  labels.begin() + run.row * blobs.width + run.start);
    }
  }
  return true;
}

}  // namespace

Segmentation segment_hovernet(const Maps& maps, bool monotone, const CancelToken& cancel) {
  Components blobs = label4(pixels_where(maps.np, maps.height, maps.width, [](float p) { return p >= 0.5f; }));
  remove_small(blobs, kSmallest);
  const std::vector<float> strength = edge_strength(maps, blobs, 21, Combination::kMaximum, cancel);

  BitMask marker_mask = weak_edges(blobs, strength);
  fill_holes(marker_mask);
  Components markers = label4(open5(marker_mask, 1));
  remove_small(markers, kSmallest);

  Segmentation found;
  found.count = markers.count;
  found.labels.resize(maps.np.size());
  const std::vector<Piece> seeds = pieces_inside(markers, blobs);
  if (!flood_blobs(strength, blobs, seeds, monotone, found.labels, cancel)) {
    flood_tile(strength, blobs, seeds, monotone, found.labels, cancel);
  }
  found.runs = labelled_runs(found.labels, maps.width, blobs);
  return found;
}

}  // namespace histojet::nuclei
