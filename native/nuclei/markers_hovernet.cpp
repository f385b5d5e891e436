#include <algorithm>
#include <span>
#include <vector>

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
std::vector<Run> flood_tile(const EdgeStrength& strength, std::span<const Piece> markers, bool monotone,
                            const CancelToken& cancel) {
  const Components& blobs = strength.components();
  const std::int64_t height = blobs.height, width = blobs.width;
  std::vector<double> values(static_cast<std::size_t>(height * width));
  const Box tile{0, 0, static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
  std::vector<float> scratch;
  relief(strength, tile, ReliefType::kDouble, values.data(), width, scratch);
  std::vector<std::int32_t> labels(values.size(), -1);
  const auto paint = [&](const Run& run, std::int32_t label) {
    std::fill_n(labels.begin() + run.row * width + run.start, run.end - run.start, label);
  };
  for (const Run& run : blobs.runs) {
    if (run.label != 0) paint(run, 0);
  }
  for (const Piece& marker : markers) paint(marker.run, marker.run.label);
  watershed(values.data(), labels.data(), height, width, monotone, cancel);
  std::vector<Run> found;
  for (const Run& run : blobs.runs) append_labelled(run, labels.data() + run.row * width, found);
  return found;
}

/// Floods blob by blob, which gives the same labels as the whole tile, unless two markers tie (then false).
bool flood_blobs(const EdgeStrength& strength, std::span<const Piece> markers, bool monotone, std::vector<Run>& found,
                 const CancelToken& cancel) {
  const Components& blobs = strength.components();
  const auto runs = runs_by_label(blobs.runs, blobs.count);
  const auto seeds = pieces_by_component(markers, blobs.count);
  found.reserve(blobs.runs.size());
  Basin basin;
  Flooder flood;
  std::vector<float> scratch;
  for (std::int32_t blob = 1; blob <= blobs.count; ++blob) {
    if (runs[blob].empty() || seeds[blob].empty()) continue;
    if (one_marker(seeds[blob])) {
      const std::int32_t label = seeds[blob].front().run.label;
      for (const Run& run : runs[blob]) found.push_back({run.row, run.start, run.end, label});
      continue;
    }
    cancel.throw_if_cancelled();
    basin.reset(bounding_box(runs[blob]));
    for (const Run& run : runs[blob]) basin.paint(run, 0);
    for (const Piece& seed : seeds[blob]) basin.paint(seed.run, seed.run.label);
    relief(strength, basin.box, ReliefType::kDouble, basin.value_row(basin.box.y0), basin.stride, scratch);
    if (!flood(basin, monotone)) return false;
    for (const Run& run : runs[blob]) append_labelled(run, basin.label_row(run.row), found);
  }
  return true;
}

/// A marker whose hole holds another blob lies in both; then its object's runs come from both.
void sort_runs(std::vector<Run>& runs) {
  std::sort(runs.begin(), runs.end(),
            [](const Run& a, const Run& b) { return a.row != b.row ? a.row < b.row : a.start < b.start; });
}

/// Some marker has pieces in more than one blob.
bool shared_marker(std::span<const Piece> markers, std::int32_t count) {
  std::vector<std::int32_t> blob_of(static_cast<std::size_t>(count) + 1);
  return std::any_of(markers.begin(), markers.end(), [&](const Piece& marker) {
    std::int32_t& blob = blob_of[static_cast<std::size_t>(marker.run.label)];
    if (blob == 0) blob = marker.component;
    return blob != marker.component;
  });
}

}  // namespace

Segmentation segment_hovernet(const Maps& maps, const GradientRanges& ranges, bool monotone,
                              const CancelToken& cancel) {
  Components blobs = label4(pixels_at_least(maps.np, maps.height, maps.width, 0.5f));
  remove_small(blobs, kSmallest);
  const EdgeStrength strength = edge_strength(maps, ranges, blobs, 21, Combination::kMaximum, cancel);

  BitMask marker_mask = weak_edges(strength);
  fill_holes(marker_mask);
  Components markers = label4(open5(marker_mask, 1));
  remove_small(markers, kSmallest);

  Segmentation found;
  found.count = markers.count;
  const std::vector<Piece> seeds = pieces_inside(markers, blobs);
  if (!flood_blobs(strength, seeds, monotone, found.runs, cancel)) {
    found.runs = flood_tile(strength, seeds, monotone, cancel);
  } else if (shared_marker(seeds, markers.count)) {
    sort_runs(found.runs);
  }
  return found;
}

}  // namespace histojet::nuclei
