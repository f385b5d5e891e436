#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "nuclei/edge_strength.hpp"
#include "nuclei/gaussian3.hpp"
#include "nuclei/morphology.hpp"
#include "nuclei/segmentation.hpp"
#include "nuclei/watershed.hpp"

namespace histojet::nuclei {
namespace {

/// One distinct label after the other, rising: the reference makes one object of each.
std::vector<std::int32_t> distinct_markers(std::span<const Piece> markers) {
  std::vector<std::int32_t> labels;
  for (const Piece& marker : markers) labels.push_back(marker.run.label);
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

/// What one component is flooded with; keeps its memory from component to component.
struct Workplace {
  Basin basin;
  Flooder flood;
  std::vector<float> scratch;
};

/// Cuts out one component and floods what the opening left of it. The reference, too, floods component by component.
void flood_component(const EdgeStrength& strength, const Box& box, std::span<const Piece> cores,
                     std::span<const Piece> seeds, bool monotone, Workplace& workplace, const CancelToken& cancel) {
  Basin& basin = workplace.basin;
  basin.reset(box);
  for (const Piece& core : cores) basin.paint(core.run, 0);
  for (const Piece& seed : seeds) {
    std::int32_t* labels = basin.label_row(seed.run.row);
    for (std::int32_t x = seed.run.start; x < seed.run.end; ++x) labels[x] = labels[x] < 0 ? -1 : seed.run.label;
  }
  relief(strength, box, ReliefType::kFloat, basin.value_row(box.y0), basin.stride, workplace.scratch);
  if (workplace.flood(basin, monotone)) return;
  watershed(basin.values.data(), basin.labels.data(), box.y1 - box.y0 + 2, basin.stride, monotone, cancel);
}

}  // namespace

Segmentation segment_hoverfast(const Maps& maps, const GradientRanges& ranges, double min_area_px, bool monotone,
                               const CancelToken& cancel) {
  // The reference asks for more than one half.
  const BitMask mask = pixels_at_least(maps.np, maps.height, maps.width, std::nextafter(0.5f, 1.0f));
  const Components components = label4(mask);
  const Components cores = label4(open5(mask, 2));
  const EdgeStrength strength = edge_strength(maps, ranges, cores, 5, Combination::kRootOfSum, cancel);

  BitMask marker_mask = weak_edges(strength);
  fill_holes(marker_mask);
  const Components markers = label4(marker_mask);

  Segmentation found;
  const auto runs = runs_by_label(components.runs, components.count);
  const auto seeds = pieces_by_component(pieces_inside(markers, components), components.count);
  const auto core_runs = pieces_by_component(pieces_inside(cores, components), components.count);
  found.runs.reserve(components.runs.size());
  Workplace workplace;
  for (std::int32_t component = 1; component <= components.count; ++component) {
    const std::span<const Run> pixels = runs[component];
    if (static_cast<double>(pixel_count(pixels)) < min_area_px) continue;
    if (one_marker(seeds[component])) {
      ++found.count;
      for (const Run& run : pixels) found.runs.push_back({run.row, run.start, run.end, found.count});
      continue;
    }
    cancel.throw_if_cancelled();
    flood_component(strength, bounding_box(pixels), core_runs[component], seeds[component], monotone, workplace,
                    cancel);
    const std::size_t first = found.runs.size();
    for (const Run& run : pixels) append_labelled(run, workplace.basin.label_row(run.row), found.runs);
    const std::vector<std::int32_t> distinct = distinct_markers(seeds[component]);
    for (Run& run : std::span(found.runs).subspan(first)) {
      const auto rank = std::lower_bound(distinct.begin(), distinct.end(), run.label) - distinct.begin();
      run.label = found.count + 1 + static_cast<std::int32_t>(rank);
    }
    found.count += static_cast<std::int32_t>(distinct.size());
  }
  return found;
}

}  // namespace histojet::nuclei
